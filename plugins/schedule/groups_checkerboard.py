"""Group by group, each in two colours."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.slots import LatentShape
from ...core.slots.schedule import Indices
from .grouped import GroupedSchedule
from .sites import colours


class GroupsCheckerboard(GroupedSchedule):
    """Groups of channels, each in two steps (He et al. 2022, arXiv:2203.10886).

    Of every group first the sites with even ``i + j`` (the anchors, kind 0), then the others (kind 1).

    Args:
        groups: how many groups of equal size, or a list of the size of each, first to last.
    """

    order = "groups-checkerboard"

    def passes(self, shape: LatentShape, reach: int | None) -> Sequence[tuple[Indices, int]]:
        return [(sites, kind) for kind, sites in enumerate(colours(shape))]
