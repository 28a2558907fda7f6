"""Two colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...core.slots import LatentShape, Schedule, Step


class Checkerboard(Schedule):
    """Sites with even ``i + j`` (the anchors, kind 0), then the others (kind 1)."""

    order = "checkerboard"

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        sites = np.arange(shape.sites, dtype=np.int64)
        colour = (sites // shape.width + sites % shape.width) % 2
        steps = [Step(shape, sites[colour == kind], (0, shape.channels), kind=kind) for kind in (0, 1)]
        return [step for step in steps if step.size]
