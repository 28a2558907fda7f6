"""Element by element."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, overload

import numpy as np

from ...core.slots import LatentShape, Schedule, Step
from ...core.slots.schedule import Indices


class Volume(Schedule):
    """Raster order over elements ``(c, i, j)``, channel outermost.

    A context that looks ``r`` elements around itself along each axis, causally, sees up to ``(i + r, j + r)`` in the
    channels before, up to ``j + r`` in the rows before and what is before ``j`` in its own row. All elements with equal
    ``(r + 1)^2 c + (r + 1) i + j`` are then independent of one another given those with smaller values, so they can
    be coded together: the same probabilities in ``(r + 1)^2 (C - 1) + (r + 1)(h - 1) + w`` steps instead of ``C h w``,
    and in fewer where a latent is narrower than the reach.

    Args:
        execution: ``fronts`` for these slanted fronts; ``serial`` for one element per step, for comparison.
    """

    order = "volume"

    def __init__(self, *, execution: Literal["fronts", "serial"] = "fronts") -> None:
        self.execution = execution
        self.needs_reach = execution == "fronts"

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        elements = np.arange(shape.elements, dtype=np.int64)
        if self.execution == "serial":
            return _ElementSteps(shape, elements, elements)
        channels, sites = np.divmod(elements, shape.sites)
        rows, columns = np.divmod(sites, shape.width)
        per_row = min(reach or 0, shape.width - 1) + 1
        per_channel = per_row * (min(reach or 0, shape.height - 1) + 1)
        front = per_channel * channels + per_row * rows + columns
        order = np.argsort(front, kind="stable")
        return _ElementSteps(shape, order, np.flatnonzero(np.diff(front[order], prepend=-1)))


class _ElementSteps(Sequence[Step]):
    """Steps that are made when they are asked for: there may be as many as elements.

    Args:
        shape: of the latent.
        elements: all of them in coding order.
        starts: where each step begins.
    """

    def __init__(self, shape: LatentShape, elements: Indices, starts: Indices) -> None:
        self._shape = shape
        self._elements = elements
        self._bounds = np.append(starts, len(elements))

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __iter__(self) -> Iterator[Step]:
        return map(self._step, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Step: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...

    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        chosen = range(len(self))[index]
        return self._step(chosen) if isinstance(chosen, int) else [self._step(one) for one in chosen]

    def _step(self, index: int) -> Step:
        channels, sites = np.divmod(self._elements[self._bounds[index] : self._bounds[index + 1]], self._shape.sites)
        return Step(self._shape, sites, (0, self._shape.channels), site_channels=channels)
