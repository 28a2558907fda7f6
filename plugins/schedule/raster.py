"""Row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from ...core.slots import LatentShape, Schedule, Step


class Raster(Schedule):
    """Raster order over sites, all channels of a site together.

    A context that looks ``r`` sites around itself, causally, sees columns up to ``j + r`` in the rows above and
    columns before ``j`` in its own. All sites with equal ``(r + 1) i + j`` are then independent of one another given
    those with smaller values, so they can be coded together: the same probabilities in ``(r + 1)(h - 1) + w`` steps
    instead of ``h w``.

    Args:
        execution: ``fronts`` for these slanted fronts; ``serial`` for one site per step, for comparison.
    """

    order = "raster"

    def __init__(self, *, execution: Literal["fronts", "serial"] = "fronts") -> None:
        self.execution = execution
        self.needs_reach = execution == "fronts"

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        sites = np.arange(shape.sites, dtype=np.int64)
        channels = (0, shape.channels)
        if self.execution == "serial":
            return [Step(shape, site, channels) for site in np.split(sites, shape.sites)]
        rows, columns = np.divmod(sites, shape.width)
        front = ((reach or 0) + 1) * rows + columns
        order = np.argsort(front, kind="stable")
        starts = np.flatnonzero(np.diff(front[order])) + 1
        return [Step(shape, group, channels) for group in np.split(order, starts)]
