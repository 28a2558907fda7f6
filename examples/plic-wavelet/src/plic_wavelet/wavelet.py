"""The transform: colours decorrelated, wavelets over several levels, all bands on the lattice of the coarsest."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from plic.core.slots import Transform
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from .bank import Bank, bank, synthesis_norms
from .filtering import Filtering, Span

ROWS, COLUMNS = 2, 3
COLOURS = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (-1.0, 2.0, -1.0))
"""Brightness, orange against blue, green against magenta; made orthonormal."""


class Wavelet(Transform):
    """A fixed wavelet transform: nothing in it is trained, and but for rounding it loses nothing.

    The contract of the slot: an image ``(B, 3, H, W)`` in [0, 1] becomes a latent ``(B, C, H / stride, W / stride)``,
    and a latent becomes an image again, which need not be clipped. Here ``stride`` is ``2^levels`` and ``C`` is
    ``3 * 4^levels``: of a band that is finer than the lattice, neighbours go into channels of one site. Channels run
    from the coarsest band to the finest, so that groups of 3, 9, 36, 144, ... channels are the levels.

    Each band is scaled by the norm of what one of its coefficients becomes in the picture. So an error of one unit
    makes the same squared error in the picture wherever it is; exactly so for orthogonal wavelets, and for
    biorthogonal ones as long as errors have nothing to do with one another, as those of rounding nearly do.

    Symmetric filters mirror the picture at its borders, and depend on what is near alone. Others take the picture as
    periodic: then a border depends on the one across, and large pictures cannot be transformed in pieces.

    Args:
        levels: how often the picture is halved.
        wavelet: name of an orthogonal or biorthogonal wavelet of PyWavelets; ``bior4.4`` is CDF 9/7.
        step: what one unit of the latent stands for, in units of orthonormal coefficients of images in [0, 1].

    Raises:
        UnknownName: the library has no such wavelet, or one that is no filter bank.
    """

    colours: Tensor
    units: Tensor

    def __init__(
        self,
        *,
        levels: Annotated[int, Field(ge=1, le=6)] = 3,
        wavelet: str = "bior4.4",
        step: Annotated[float, Field(gt=0)] = 0.1,
    ) -> None:
        super().__init__()
        filters = bank(wavelet)
        self.levels = levels
        self.stride = 2**levels
        self.latent_channels = 3 * 4**levels
        self.filtering = Filtering(filters)
        self.margin = _margin(self.filtering, levels) if filters.folds else None
        colours = torch.tensor(COLOURS)
        # All of it follows from the settings, so it is no part of the weights.
        self.register_buffer("colours", colours / colours.norm(dim=1, keepdim=True), persistent=False)
        self.register_buffer("units", step / _norms(filters, levels)[:, None, None], persistent=False)

    def analysis(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 has no digits for what is left of 2^levels
            low = torch.einsum("dc,bchw->bdhw", self.colours, x.float() - 0.5)
            bands: list[Tensor] = []
            for level in reversed(range(self.levels)):
                low, details = self._down(low)
                bands.insert(0, functional.pixel_unshuffle(details, 2**level))
            return torch.cat([low, *bands], 1) / self.units

    def synthesis(self, y_hat: Tensor) -> Tensor:
        with torch.autocast(y_hat.device.type, enabled=False):
            sizes = [3, *(9 * 4**level for level in range(self.levels))]
            low, *bands = torch.split_with_sizes(y_hat.float() * self.units, sizes, 1)
            for level, details in enumerate(bands):
                low = self._up(low, functional.pixel_shuffle(details, 2**level))
            return torch.einsum("dc,bdhw->bchw", self.colours, low) + 0.5

    def _down(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The low band ``(B, 3, h, w)`` and the three others ``(B, 9, h, w)`` of one level."""
        top, bottom = self.filtering.split(x, ROWS)
        low, across = self.filtering.split(top, COLUMNS)
        return low, torch.cat([across, *self.filtering.split(bottom, COLUMNS)], 1)

    def _up(self, low: Tensor, details: Tensor) -> Tensor:
        across, down, both = details.chunk(3, 1)
        top = self.filtering.join(low, across, COLUMNS)
        return self.filtering.join(top, self.filtering.join(down, both, COLUMNS), ROWS)


def _norms(filters: Bank, levels: int) -> Tensor:
    """Norm in the picture of one coefficient of each latent channel, ``(C,)``."""
    low, high = synthesis_norms(filters, levels)  # finest first
    norms = [np.full(3, low[-1] ** 2)]
    for level in range(levels):
        at = levels - 1 - level
        of_band = np.array([low[at] * high[at], high[at] * low[at], high[at] ** 2])
        norms.append(of_band.repeat(3 * 4**level))
    return torch.tensor(np.concatenate(norms), dtype=torch.float32)


def _margin(filtering: Filtering, levels: int) -> int:
    """How many sites away from a site's the farthest sample is that matters to its latent, or latent to its pixels."""
    reaches = []
    for level in range(levels):
        span = (0, 2**level - 1)  # what a site holds of a band
        for _ in range(levels - level):
            span = filtering.analysis_span(span)
        reaches.append(_sites(span, 2**levels))
    span = (0, 2**levels - 1)
    for level in reversed(range(levels)):
        span = filtering.synthesis_span(span)
        reaches.append(_sites(span, 2**level))
    return max(reaches)


def _sites(span: Span, size: int) -> int:
    return max(-(span[0] // size), span[1] // size)
