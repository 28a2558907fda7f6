"""Which sites are coded together: what schedules of whole channels and of channel groups share."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ...core.slots import LatentShape
from ...core.slots.schedule import Indices

Execution = Literal["fronts", "serial"]


def raster(shape: LatentShape, reach: int | None, execution: Execution) -> list[Indices]:
    """Raster order as sets of sites: slanted fronts, or one site each.

    A context that looks ``r`` sites around itself, causally, sees columns up to ``j + r`` in the rows above and
    columns before ``j`` in its own. All sites with equal ``(r + 1) i + j`` are then independent of one another given
    those with smaller values, so they can be coded together: the same probabilities in ``(r + 1)(h - 1) + w`` steps
    instead of ``h w``.
    """
    sites = np.arange(shape.sites, dtype=np.int64)
    if execution == "serial":
        return np.split(sites, shape.sites)
    rows, columns = np.divmod(sites, shape.width)
    front = ((reach or 0) + 1) * rows + columns
    order = np.argsort(front, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(front[order])) + 1)


def colours(shape: LatentShape) -> tuple[Indices, Indices]:
    """Sites with even ``i + j``, and the others, of which a latent of one site has none."""
    sites = np.arange(shape.sites, dtype=np.int64)
    colour = (sites // shape.width + sites % shape.width) % 2
    return sites[colour == 0], sites[colour == 1]
