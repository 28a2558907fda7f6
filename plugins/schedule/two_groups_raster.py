"""One half of the channels row by row, then the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ...core.slots import LatentShape, Schedule, Step
from .raster import Raster


class TwoGroupsRaster(Schedule):
    """Two halves of the channels, each in raster order, the first complete before the second (Guo et al. 2022).

    The order allows more to the second half than to the first:

    - an element of the first (kind 0) may depend on what is in reach before it, so that sites out of one another's
      reach can be coded together, along slanted fronts as in ``raster``;
    - an element of the second (kind 1) may depend on all of the first and on everything before it in its own, wherever
      that is, so that its sites are coded one by one.

    That makes ``(r + 1)(h - 1) + w + h w`` steps for a reach of ``r``.

    Args:
        execution: of the first half, ``fronts`` or ``serial``: one site per step, for comparison.
    """

    order = "two-groups-raster"

    def __init__(self, *, execution: Literal["fronts", "serial"] = "fronts") -> None:
        self.execution = execution
        self.needs_reach = execution == "fronts"

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        executed = [Raster(execution=self.execution), Raster(execution="serial")]
        return [
            replace(step, channels=channels, kind=kind)
            for kind, channels in enumerate(self.groups(shape.channels))
            for step in executed[kind].steps(shape, reach)
        ]

    def groups(self, channels: int) -> tuple[tuple[int, int], ...]:
        half = (channels + 1) // 2
        return ((0, half), (half, channels)) if half < channels else ((0, half),)
