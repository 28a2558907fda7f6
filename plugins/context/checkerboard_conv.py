"""Two-pass context: half of the sites tells about the other half."""

from __future__ import annotations

import torch
from torch import Tensor

from ...core.layers import checkerboard_mask
from ...core.slots import ContextState, Step
from .fusion import as_planes, join
from .masked import MaskedContext, padded_values


class CheckerboardConv(MaskedContext):
    """Checkerboard context (He et al. 2021, arXiv:2103.15306).

    Anchors, the sites with even ``i + j``, see the side features only: their context features are exactly zero. The
    others also see the anchors around them, through a convolution whose live taps are those of the other colour.
    """

    name = "checkerboard-conv"
    orders = frozenset({"checkerboard"})

    @staticmethod
    def live_taps(kernel: int) -> Tensor:
        return checkerboard_mask(kernel)

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        anchors = anchor_sites(values)
        context = self.masked(values * anchors) * ~anchors
        return as_planes(self.fusion(join(side, context)), self.channels)

    def start(self, values: Tensor, side: Tensor | None) -> ContextState:
        return self.padded_state(values, side)

    def parameters_at_sites(self, state: ContextState, step: Step) -> Tensor:
        values = state.values
        if step.kind == 0:
            context = values.new_zeros(values.shape[0], self.masked.out_channels, len(step.sites))
        else:  # every live tap is an anchor
            context = self.masked.at_sites(padded_values(state), *step.rows_and_columns)
        return self.fused_at(state, context, step)


def anchor_sites(values: Tensor) -> Tensor:
    """``(h, w)``, True at anchors."""
    rows = torch.arange(values.shape[-2], device=values.device)
    columns = torch.arange(values.shape[-1], device=values.device)
    return (rows[:, None] + columns[None, :]) % 2 == 0
