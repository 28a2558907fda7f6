"""A learned density per channel, which needs no parameters from a context."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...core.probability import GRID, IntegerDistribution, Support, TableDistribution
from ...core.probability.tables import CDF_BITS
from ...core.slots import Head
from ..layers import lower_bound
from .families import LIKELIHOOD_FLOOR, LikelihoodFloor

TAIL = 2.0**-20  # probability that the tables leave to the escapes, on each side
WIDEST = 1 << 10  # symbols a table may reach from the median, on each side
BISECTIONS = 40
FIT_STEPS, FIT_RATE = 300, 0.03  # to fit a density to tables


class Factorized(Head):
    """Univariate non-parametric density per channel (Balle et al. 2018, arXiv:1802.01436, appendix 6.1).

    The distribution function of a channel is a chain of small layers that are monotone by construction:
    ``x -> softplus(M) x + b``, then ``x + tanh(a) tanh(x)``, and a sigmoid at the end. No auxiliary loss: medians and
    tails are found by bisection when the density is frozen.

    Args:
        channels: latent channels.
        filters: widths of the chain's inner layers.
        spread: initial width of the density, in quantiser steps.
        likelihood_floor: least likelihood in training.
    """

    layout = ()
    training_only: ClassVar[frozenset[str]] = frozenset({"likelihood_floor"})

    def __init__(
        self,
        channels: int,
        *,
        filters: tuple[int, ...] = (3, 3, 3, 3),
        spread: float = 10.0,
        likelihood_floor: LikelihoodFloor = LIKELIHOOD_FLOOR,
    ) -> None:
        super().__init__()
        self.likelihood_floor = likelihood_floor
        widths = (1, *filters, 1)
        gain = spread ** (1 / (len(widths) - 1))
        self.matrices, self.biases, self.factors = (nn.ParameterList() for _ in range(3))
        for inputs, outputs in pairwise(widths):
            start = math.log(math.expm1(1 / gain / outputs))
            self.matrices.append(nn.Parameter(torch.full((channels, outputs, inputs), start)))
            self.biases.append(nn.Parameter(torch.empty(channels, outputs, 1).uniform_(-0.5, 0.5)))
        for width in filters:
            self.factors.append(nn.Parameter(torch.zeros(channels, width, 1)))

    def logits(self, x: Tensor) -> Tensor:
        """Logit of the distribution function at ``x`` ``(C, 1, n)``."""
        for index, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            x = functional.softplus(matrix.to(x.dtype)) @ x + bias.to(x.dtype)
            if index < len(self.factors):
                x = x + torch.tanh(self.factors[index].to(x.dtype)) * torch.tanh(x)
        return x

    def likelihood(self, parameters: Tensor | None, values: Tensor) -> Tensor:
        with torch.autocast(values.device.type, enabled=False):
            flat = values.float().transpose(0, 1).flatten(1).unsqueeze(1)  # (C, 1, B * h * w)
            mass = self._mass(flat)
            batch, channels, *sites = values.shape
            return lower_bound(mass.view(channels, batch, *sites).transpose(0, 1), self.likelihood_floor)

    def _mass(self, x: Tensor) -> Tensor:
        lower, upper = self.logits(x - 0.5), self.logits(x + 0.5)
        side = -torch.sign(lower + upper).detach()  # evaluate on the side of the smaller tail
        return (torch.sigmoid(side * upper) - torch.sigmoid(side * lower)).abs()

    @torch.no_grad()
    def offsets(self) -> Tensor:
        """Medians ``(C,)``, float64, on the exact grid."""
        return torch.round(self._quantile(0.5) * GRID) / GRID

    def _quantile(self, probability: float) -> Tensor:
        """Where each channel's distribution function reaches ``probability``, by bisection."""
        target = math.log(probability / (1 - probability))
        first = self.matrices[0]
        low = torch.full((first.shape[0], 1, 1), -float(1 << 20), dtype=torch.float64, device=first.device)
        high = -low
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            below = self.logits(middle) < target
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return ((low + high) / 2).flatten()

    def start_from(self, frozen: nn.Module) -> None:
        """Fit the densities to those of tables, by their cross-entropy."""
        if not isinstance(frozen, FrozenFactorized) or len(frozen.medians) != len(self.matrices[0]):
            return
        device = self.matrices[0].device
        symbols, probabilities = (one.to(device) for one in frozen.masses())
        values = (symbols + frozen.medians[:, None].to(device)).float().unsqueeze(1)  # (C, 1, L)
        optimizer = torch.optim.Adam(self.parameters(), lr=FIT_RATE)
        for _ in range(FIT_STEPS):
            optimizer.zero_grad()
            mass = lower_bound(self._mass(values), self.likelihood_floor).squeeze(1)
            (-(probabilities * mass.log2()).sum()).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        self.zero_grad(set_to_none=True)

    @torch.no_grad()
    def freeze(self) -> FrozenFactorized:
        medians = self.offsets()
        low = (self._quantile(TAIL) - medians).floor().clamp(-WIDEST, -1).long()
        high = (self._quantile(1 - TAIL) - medians).ceil().clamp(1, WIDEST).long()
        edges = torch.arange(int(low.min()), int(high.max()) + 2, dtype=torch.float64) - 0.5
        cdf = torch.sigmoid(self.logits(medians[:, None, None] + edges)).squeeze(1)  # (C, L + 1)
        return FrozenFactorized(medians, *_tables(cdf.numpy(), low.numpy(), high.numpy()))


class FrozenFactorized(nn.Module):
    """Integer tables of the densities: what a weights file stores of a factorized head."""

    medians: Tensor
    rows: Tensor
    offset: Tensor
    length: Tensor

    def __init__(
        self,
        medians: Tensor,
        rows: npt.NDArray[np.int64],
        offset: npt.NDArray[np.int32],
        length: npt.NDArray[np.int32],
    ) -> None:
        super().__init__()
        self.register_buffer("medians", medians)
        self.register_buffer("rows", torch.from_numpy(rows.astype(np.int32)))
        self.register_buffer("offset", torch.from_numpy(offset.astype(np.int32)))
        self.register_buffer("length", torch.from_numpy(length.astype(np.int32)))

    def offsets(self) -> Tensor:
        """Medians ``(C,)``, float64, on the exact grid."""
        return self.medians

    def masses(self) -> tuple[Tensor, Tensor]:
        """Symbols ``(C, L)``, relative to the median, and their probabilities; zero beyond a channel's window."""
        cdf = self.rows.double() / (1 << CDF_BITS)
        symbols = self.offset[:, None] + torch.arange(cdf.shape[1] - 1)
        return symbols, cdf.diff().float()

    def forward(
        self, parameters: npt.NDArray[np.float64], channels: npt.NDArray[np.int64], support: Support
    ) -> IntegerDistribution:
        return TableDistribution(
            rows=self.rows.numpy().astype(np.int64),
            offset=self.offset.numpy(),
            length=self.length.numpy(),
            row_index=channels.astype(np.int32),
        )


def _tables(
    cdf: npt.NDArray[np.float64], low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Rows, offsets and lengths of `TableDistribution`.

    Args:
        cdf: ``(C, L + 1)``, at the edges from the least ``low`` minus one half on.
        low: first symbol of each channel's window, relative to the median; it takes all mass below.
        high: last symbol; it takes all mass above.
    """
    length = high - low + 1
    rows = np.full((len(cdf), int(length.max()) + 2), 1 << CDF_BITS, dtype=np.int64)
    for channel, (first, count) in enumerate(zip(low - low.min(), length, strict=True)):
        inner = cdf[channel, first + 1 : first + count]
        rows[channel, 0] = 0
        rows[channel, 1:count] = np.maximum.accumulate(np.rint(inner * (1 << CDF_BITS)).astype(np.int64))
    return rows, low.astype(np.int32), length.astype(np.int32)
