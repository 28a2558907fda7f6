"""Group by group, each at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...core.slots import LatentShape
from ...core.slots.schedule import Indices
from .grouped import GroupedSchedule


class Groups(GroupedSchedule):
    """One step per group of channels, at all sites (Minnen and Singh 2020, arXiv:2007.08739).

    Args:
        groups: how many groups of equal size, or a list of the size of each, first to last.
    """

    order = "groups"

    def passes(self, shape: LatentShape, reach: int | None) -> Sequence[tuple[Indices, int]]:
        return [(np.arange(shape.sites, dtype=np.int64), 0)]
