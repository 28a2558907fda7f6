"""Everything at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...core.slots import LatentShape, Schedule, Step


class OneStep(Schedule):
    """All elements in one step: none may depend on another."""

    order = "one-step"

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        return [Step(shape, np.arange(shape.sites, dtype=np.int64), (0, shape.channels))]
