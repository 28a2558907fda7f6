"""Two-pass context: half of the sites tells about the other half."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...core.layers import MaskedConv2d, checkerboard_mask, live_windows
from ...core.slots import Context, ContextState, ContextWiring, LatentShape, Step
from .fusion import as_planes, fusion_layers, join


class CheckerboardConv(Context):
    """Checkerboard context (He et al. 2021, arXiv:2103.15306).

    Anchors, the sites with even ``i + j``, see the side features only: their context features are exactly zero. The
    others also see the anchors around them, through a convolution whose live taps are those of the other colour.

    Args:
        wiring: what the chain delivers.
        kernel: size of the convolution, odd.
        features: its outputs; by default twice the latent channels.
        fusion: features between the 1x1 layers.
        slope: negative slope of the LeakyReLU between them.
    """

    orders = frozenset({"checkerboard"})

    def __init__(
        self,
        wiring: ContextWiring,
        *,
        kernel: int = 5,
        features: int | None = None,
        fusion: tuple[int, ...] = (640, 640),
        slope: float = 0.01,
    ) -> None:
        super().__init__()
        self.reach = kernel // 2
        self.channels = wiring.channels
        features = features or 2 * wiring.channels
        self.masked = MaskedConv2d(wiring.channels, features, checkerboard_mask(kernel))
        self.fusion = fusion_layers("checkerboard-conv", wiring, features, fusion, slope)

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        anchors = _anchors(values)
        context = self.masked(values * anchors) * ~anchors
        return as_planes(self.fusion(join(side, context)), self.channels)

    def start(self, shape: LatentShape, batch: int, side: Tensor | None) -> ContextState:
        return ContextState(side, torch.zeros(batch, shape.channels, shape.height, shape.width, dtype=torch.float64))

    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        values = state.values
        if step.kind == 0:
            context = values.new_zeros(values.shape[0], self.masked.out_channels, len(step.sites))
        else:  # every live tap is an anchor
            padded = functional.pad(values, (self.reach,) * 4)
            rows, columns = np.divmod(step.sites, step.shape.width)
            context = self.masked.at(live_windows(padded, self.masked.mask, rows, columns))
        side = None if state.side is None else state.side.flatten(2)[:, :, step.sites]
        joined = join(side, context).unsqueeze(-1)
        return as_planes(self.fusion(joined), self.channels).flatten(2)


def _anchors(values: Tensor) -> Tensor:
    """``(h, w)``, True at anchors."""
    rows = torch.arange(values.shape[-2], device=values.device)
    columns = torch.arange(values.shape[-1], device=values.device)
    return (rows[:, None] + columns[None, :]) % 2 == 0
