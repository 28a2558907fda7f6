"""The compiled part of :mod:`.freeze`. Imports numba: import it where something is frozen.

Doubles are only compared, multiplied by powers of two and rounded: exact operations on every IEEE-754 machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kernels import jit

Array = NDArray[Any]

BUCKET_SHIFT = 46  # of a double's bits: its exponent and six bits of its fraction, 64 buckets per octave
LARGEST = float(1 << 30)  # grid steps
RECIPROCAL_BITS = 56
WEIGHT_SUM = 1 << 16


@jit
def to_grid(raw: Array, out: Array) -> None:
    """Rounds units to grid steps of 2^-12, ties to even, clamped; what is no number becomes the lower limit."""
    for i in range(len(raw)):
        x = np.rint(raw[i] * 4096.0)
        if not x > -LARGEST:
            x = -LARGEST
        out[i] = np.int32(min(x, LARGEST))


@jit
def to_levels(raw: Array, floor: float, thresholds: Array, bases: Array, first: int, out: Array) -> None:
    """Number of ``thresholds`` (grid steps) not above each value; ``bases`` starts the count by bucket."""
    smallest = np.float64(thresholds[0])
    largest = np.float64(thresholds[-1])
    for i in range(len(raw)):
        x = raw[i]
        if not x > floor:
            x = floor
        x = min(np.rint(x * 4096.0), largest)
        if x < smallest:
            out[i] = 0
            continue
        level = bases[(np.float64(x).view(np.int64) >> BUCKET_SHIFT) - first]
        while level < len(thresholds) and thresholds[level] <= x:
            level += 1
        out[i] = level


@jit
def to_weights(logits: Array, exponentials: Array, out: Array) -> None:
    """Integer softmax over the first axis of ``(K, n)``: rounded down, the remainder to the first largest."""
    components, n = logits.shape
    scaled = np.empty(components, dtype=np.int64)
    for i in range(n):
        best = 0
        for k in range(components):
            x = np.rint(logits[k, i] * 4096.0)
            if not x > -LARGEST:
                x = -LARGEST
            scaled[k] = np.int64(min(x, LARGEST))
            if scaled[k] > scaled[best]:
                best = k
        top = scaled[best]
        total = np.int64(0)
        for k in range(components):
            difference = (top - scaled[k] + 8) >> 4
            scaled[k] = exponentials[difference] if difference < len(exponentials) else 0
            total += scaled[k]
        reciprocal = (np.int64(1) << RECIPROCAL_BITS) // total
        left = np.int64(WEIGHT_SUM)
        for k in range(components):
            w = (scaled[k] * reciprocal) >> (RECIPROCAL_BITS - 16)
            out[k, i] = w
            left -= w
        out[best, i] += left


@jit
def to_products(outer: Array, inner: Array, out: Array) -> None:
    """``outer (F, n)`` times ``inner (F, M, n)`` to ``out (F * M, n)``: rounded down, the rest to the first largest."""
    groups, members, n = inner.shape
    for i in range(n):
        left = np.int64(WEIGHT_SUM)
        best = 0
        largest = np.int64(-1)
        for f in range(groups):
            for m in range(members):
                w = (np.int64(outer[f, i]) * inner[f, m, i]) >> 16
                k = f * members + m
                out[k, i] = w
                left -= w
                if w > largest:
                    best, largest = k, w
        out[best, i] += left
