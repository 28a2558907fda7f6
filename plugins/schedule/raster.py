"""Row by row."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.slots import LatentShape, Schedule, Step
from .sites import Execution, raster


class Raster(Schedule):
    """Raster order over sites, all channels of a site together.

    Sites that are out of one another's reach are coded together, along slanted fronts: the same probabilities in
    ``(r + 1)(h - 1) + w`` steps instead of ``h w`` for a context that looks ``r`` sites around itself.

    Args:
        execution: ``fronts`` for these slanted fronts; ``serial`` for one site per step, for comparison.
    """

    order = "raster"

    def __init__(self, *, execution: Execution = "fronts") -> None:
        self.execution = execution
        self.needs_reach = execution == "fronts"

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        return [Step(shape, sites, (0, shape.channels)) for sites in raster(shape, reach, self.execution)]
