"""Four interleaved lattices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...core.slots import LatentShape, Schedule, Step

PLACES = ((0, 0), (1, 1), (0, 1), (1, 0))
"""Row and column, in every block of 2x2 sites, of the four kinds."""


class Quarters(Schedule):
    """In every block of 2x2 sites one place after the other: top left, its diagonal, then the other two (kinds 0 to 3).

    Of what is around it, a site of kind 1 has its diagonal neighbours before it, one of kind 2 all direct ones, and one
    of kind 3 all eight. The order is that of the multistage context of Lu et al. 2022 (arXiv:2204.11448).
    """

    order = "quarters"

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        rows, columns = np.divmod(np.arange(shape.sites, dtype=np.int64), shape.width)
        places = [np.flatnonzero((rows % 2 == row) & (columns % 2 == column)) for row, column in PLACES]
        steps = [Step(shape, sites, (0, shape.channels), kind=kind) for kind, sites in enumerate(places)]
        return [step for step in steps if step.size]
