"""Group by group, each row by row."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.slots import LatentShape
from ...core.slots.schedule import Indices
from .grouped import GroupedSchedule
from .sites import Execution, raster


class GroupsRaster(GroupedSchedule):
    """Groups of channels, each in raster order over the sites (Ma et al. 2021, arXiv:2103.02884).

    Within a group, sites that are out of one another's reach are coded together, along slanted fronts; what a context
    sees of earlier groups need not be waited for. ``g`` groups take ``g ((r + 1)(h - 1) + w)`` steps instead of
    ``g h w`` for a context that looks ``r`` sites around itself.

    Args:
        groups: how many groups of equal size, or a list of the size of each, first to last.
        execution: ``fronts`` for these slanted fronts; ``serial`` for one site per step, for comparison.
    """

    order = "groups-raster"

    def __init__(self, *, groups: int | tuple[int, ...] = 4, execution: Execution = "fronts") -> None:
        super().__init__(groups=groups)
        self.execution = execution
        self.needs_reach = execution == "fronts"

    def passes(self, shape: LatentShape, reach: int | None) -> Sequence[tuple[Indices, int]]:
        return [(sites, 0) for sites in raster(shape, reach, self.execution)]
