"""Channel groups, each in two colours."""

from __future__ import annotations

from torch import Tensor

from ...core.layers import MaskedConv2d, checkerboard_mask
from ...core.slots import Step
from .checkerboard_conv import anchor_sites
from .grouped import GroupedConvContext


class GroupedCheckerboardConv(GroupedConvContext):
    """Space-channel context with uneven groups (He et al. 2022, arXiv:2203.10886).

    Of earlier groups an element sees all sites around it. Of its own group, the anchors (sites with even ``i + j``) see
    nothing, their context features are exactly zero; the others see the anchors around them. ::

        all earlier groups ── k x k ─ ... ─ k x k ─────┐
        anchors, this group ── checkerboard k x k ─────┼─ 1x1 ─ ... ─ 1x1 ─ parameters of this group
        side features ─────────────────────────────────┘
    """

    name = "grouped-checkerboard-conv"
    orders = frozenset({"groups-checkerboard"})

    @staticmethod
    def live_taps(kernel: int) -> Tensor:
        return checkerboard_mask(kernel)

    def near_all(self, masked: MaskedConv2d, own: Tensor) -> Tensor:
        anchors = anchor_sites(own)
        near: Tensor = masked(own * anchors) * ~anchors
        return near

    def near_at(self, masked: MaskedConv2d, own: Tensor, step: Step) -> Tensor:
        if step.kind == 0:
            return own.new_zeros(len(own), masked.out_channels, len(step.sites))
        return super().near_at(masked, own, step)
