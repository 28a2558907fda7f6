"""Two colours."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.slots import LatentShape, Schedule, Step
from .sites import colours


class Checkerboard(Schedule):
    """Sites with even ``i + j`` (the anchors, kind 0), then the others (kind 1)."""

    order = "checkerboard"

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        channels = (0, shape.channels)
        steps = [Step(shape, sites, channels, kind=kind) for kind, sites in enumerate(colours(shape))]
        return [step for step in steps if step.size]
