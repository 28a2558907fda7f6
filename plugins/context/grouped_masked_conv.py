"""Channel groups, each in raster order."""

from __future__ import annotations

from torch import Tensor

from ...core.layers import MaskedConv2d, causal_mask
from .grouped import GroupedConvContext


class GroupedMaskedConv(GroupedConvContext):
    """Cross-channel context (Ma et al. 2021, arXiv:2103.02884; layout inferred).

    Of its own group an element sees the sites before, through a causal convolution, and of earlier groups all sites
    around it, those to come included. ::

        all earlier groups ── k x k ─ ... ─ k x k ─┐
        sites before, this group ── masked k x k ──┼─ 1x1 ─ ... ─ 1x1 ─ parameters of this group
        side features ─────────────────────────────┘
    """

    name = "grouped-masked-conv"
    orders = frozenset({"groups-raster"})

    @staticmethod
    def live_taps(kernel: int) -> Tensor:
        return causal_mask(kernel)

    def near_all(self, masked: MaskedConv2d, own: Tensor) -> Tensor:
        near: Tensor = masked(own)
        return near
