"""Four-pass context: each quarter of the sites sees the quarters before it."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from ...core.layers import MaskedConv2d
from ...core.slots import ContextState, ContextWiring, Step
from ..schedule.quarters import PLACES
from .fusion import as_planes, fusion_layers, join
from .grouped import check_kernels
from .masked import SitewiseContext, padded_values


class QuartersConv(SitewiseContext):
    """A convolution for each quarter, then 1x1 fusion layers that all share (after Lu et al. 2022, arXiv:2204.11448).

    ::

        kind 0     kind 1     kind 2     kind 3
        . . .      0 . 0      . 1 .      1 2 1
        . x .      . x .      0 x 0      0 x 0      kernel 3: which quarters the sites around x belong to
        . . .      0 . 0      . 1 .      1 2 1

    The first quarter sees the side features only: its context features are exactly zero. Live taps are those that lead
    to earlier quarters, wherever in the kernel they are.

    Args:
        wiring: what the chain delivers.
        kernel: size of the convolutions, odd, at least 3.
        features: their outputs; by default twice the latent channels.
        fusion: features between the 1x1 layers.
        slope: negative slope of the LeakyReLU between them.
    """

    orders = frozenset({"quarters"})

    def __init__(
        self,
        wiring: ContextWiring,
        *,
        kernel: int = 3,
        features: int | None = None,
        fusion: tuple[int, ...] = (640, 640),
        slope: float = 0.01,
    ) -> None:
        super().__init__()
        check_kernels("quarters-conv", (kernel,), least=3)
        self.reach = kernel // 2
        self.channels = wiring.channels
        self.features = features or 2 * wiring.channels
        self.near = nn.ModuleList(
            MaskedConv2d(wiring.channels, self.features, live_taps(kernel, kind)) for kind in range(1, len(PLACES))
        )
        self.fusion = fusion_layers("quarters-conv", wiring, self.features, fusion, slope)

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        context = values.new_zeros(len(values), self.features, *values.shape[2:])
        for kind, (row, column) in enumerate(PLACES[1:], 1):
            if min(values.shape[2] - row, values.shape[3] - column) > 0:
                context[:, :, row::2, column::2] = self._near(kind).every_second(values, row, column)
        return as_planes(self.fusion(join(side, context)), self.channels)

    def start(self, values: Tensor, side: Tensor | None) -> ContextState:
        return self.padded_state(values, side)

    def parameters_at_sites(self, state: ContextState, step: Step) -> Tensor:
        values = state.values
        if step.kind == 0:
            context = values.new_zeros(values.shape[0], self.features, len(step.sites))
        else:
            context = self._near(step.kind).at_sites(padded_values(state), *step.rows_and_columns)
        return self.fused_at(state, context, step)

    def _near(self, kind: int) -> MaskedConv2d:
        return cast(MaskedConv2d, self.near[kind - 1])


def live_taps(kernel: int, kind: int) -> Tensor:
    """``(kernel, kernel)``, True for the taps that lead from a site of one kind to sites of earlier kinds."""
    away = torch.arange(kernel) - kernel // 2
    row, column = PLACES[kind]
    mask = torch.zeros(kernel, kernel, dtype=torch.bool)
    for other in PLACES[:kind]:
        mask |= ((away[:, None] + row) % 2 == other[0]) & ((away[None, :] + column) % 2 == other[1])
    return mask
