"""Where a rising function of a whole number passes a goal, in as few evaluations as possible.

Each evaluation is a picture that is really encoded, so that bisection alone, eleven of them for 1792 steps, would waste
time: rate and PSNR are smooth in the quality, and interpolation gets near the goal in three or four.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

PATIENCE = 12
"""Probes after which the search only bisects: by then the function is not smooth."""


@dataclass(frozen=True)
class Probe:
    """One evaluation.

    Attributes:
        index: where.
        distance: how far above the goal (below it if negative), on a scale on which the function is nearly straight.
        over: whether it lies on the upper side of the goal; which side the goal itself is on is the caller's choice.
    """

    index: int
    distance: float
    over: bool


def find_crossing(probe: Callable[[int], Probe], last: int) -> None:
    """Probe until two neighbours lie on different sides of the goal, or until an end shows that there are none.

    The method is Chandrupatla's (Advances in Engineering Software 28, 1997): inverse quadratic interpolation where
    three points lie so that it can be trusted, else bisection. If the function does not rise everywhere, one of the
    crossings is found.

    Args:
        probe: evaluates at an index from 0 to ``last``, and remembers what it needs.
        last: the highest index.
    """
    newest = probe(last)
    if not newest.over or last == 0:
        return
    across = before = probe(0)
    if across.over:
        return
    count = 2
    while abs(newest.index - across.index) > 1:  # these two are always on different sides
        where = _expected(newest, across, before) if count < PATIENCE else None
        low, high = sorted((newest.index, across.index))
        new = probe((low + high) // 2 if where is None else min(max(round(where), low + 1), high - 1))
        if new.over == newest.over:
            before = newest
        else:
            across, before = newest, across
        newest, count = new, count + 1


def _expected(newest: Probe, across: Probe, before: Probe) -> float | None:
    """Where the goal is expected between the first two; None if these points do not tell."""
    a, b, c = newest.distance, across.distance, before.distance
    if not all(map(math.isfinite, (a, b, c))) or a == b:
        return None
    width = across.index - newest.index
    if before is across:  # at the start there are only two points
        return newest.index + width * a / (a - b)
    # the curve through the three points, index as a function of distance, must rise all the way
    xi, phi = -width / (before.index - across.index), (a - b) / (c - b) if c != b else math.inf
    if not (phi * phi < xi and (1 - phi) ** 2 < 1 - xi) or c == a:
        return None
    other = before.index - newest.index
    return newest.index + width * a / (b - a) * c / (b - c) + other * a / (c - a) * b / (c - b)
