"""Escapes: how any int32 symbol is coded with a window of fewer symbols.

    encoder   symbols -> escape  -> (symbols clipped to the window, excesses)
    decoder   clipped -> restore <- excesses

In an open distribution the first and the last symbol of a window also stand for everything beyond them: wherever one
is coded, one unsigned excess tells by how much (0: exactly the edge). How excesses are written is the stream's affair.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..errors import DamagedStream
from .distribution import INT32, IntegerDistribution, Support, outside_window, plain

ExcessReader = Callable[[int], NDArray[np.uint32]]
"""Given a count, the next that many excesses."""


def escape(
    symbols: NDArray[np.int32], distribution: IntegerDistribution
) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """What a coder can code, and the excesses it cannot.

    Args:
        symbols: ``int32[n]``, any.
        distribution: of the n elements.

    Returns:
        The symbols clipped to the windows, and one excess (uint32) per clipped symbol at an edge, in order. A closed
        distribution has no excesses.

    Raises:
        PlicError: a symbol is outside the window of a closed distribution.
    """
    symbols = plain(symbols, np.int32, (len(distribution),), "symbols")
    low, high = distribution.edges()
    clipped = np.clip(symbols, low, high)
    if distribution.open:
        at_edge = (clipped == low) | (clipped == high)
        distance = np.abs(symbols[at_edge].astype(np.int64) - clipped[at_edge])
        return clipped, distance.astype(np.uint32)
    outside = np.flatnonzero(clipped != symbols)
    if len(outside):
        i = int(outside[0])
        raise outside_window(i, int(symbols[i]), int(low[i]), int(high[i]))
    return clipped, np.zeros(0, dtype=np.uint32)


def restore(clipped: NDArray[np.int32], distribution: IntegerDistribution, read: ExcessReader) -> NDArray[np.int32]:
    """The inverse of ``escape``.

    Args:
        clipped: ``int32[n]``, decoded symbols.
        distribution: the one they were decoded with.
        read: called at most once, with the number of excesses needed.

    Raises:
        DamagedStream: an excess leads out of int32, or ``read`` delivers too few.
    """
    if not distribution.open:
        return clipped
    low, high = distribution.edges()
    edges = np.flatnonzero((clipped == low) | (clipped == high))
    if not len(edges):
        return clipped
    excess = np.asarray(read(len(edges)), dtype=np.int64)
    if excess.shape != edges.shape:
        raise DamagedStream("excesses of escaped symbols are missing", got=len(excess), expected=len(edges))
    values = clipped[edges] + np.where(clipped[edges] == low[edges], -excess, excess)
    if values.min() < INT32.min or values.max() > INT32.max:
        raise DamagedStream("an escaped symbol is no int32", got=f"{values.min()} to {values.max()}")
    restored = clipped.copy()
    restored[edges] = values
    return restored


def best_support(symbols: NDArray[np.int32], precision: int) -> Support:
    """A window for these symbols that leaves at most a 256th of a coder's ``2^precision`` to least frequencies.

    Returns:
        All of them, closed, if they span at most ``2^(precision - 8)``; else the open window of that width that holds
        most of them. ``[0, 0]`` if there are none.
    """
    if not len(symbols):
        return Support(0, 0)
    low, high = int(np.min(symbols)), int(np.max(symbols))
    width = 1 << max(precision - 8, 2)
    if high - low < width:
        return Support(low, high)
    ordered = np.sort(symbols).astype(np.int64)
    ends = np.searchsorted(ordered, ordered + width, side="left")
    best = int(np.argmax(ends - np.arange(len(ordered))))
    slack = width - 1 - (ordered[ends[best] - 1] - ordered[best])
    start = min(max(int(ordered[best] - slack // 2), INT32.min), INT32.max - width + 1)
    return Support(start, start + width - 1, open=True)
