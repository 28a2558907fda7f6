"""Exact arithmetic: networks whose outputs are bit-identical on every machine.

A decoder's network output that differs in the last bit from the encoder's turns the rest of a stream into garbage.
Floating-point sums depend on their order, hence on device, thread count and batch size, unless nothing is ever
rounded. So on the probability path:

- activations are doubles on the grid 2^-12, at most 2^11 in magnitude: 23 bits;
- weights are int16 times a power of two per layer: 15 bits;
- every partial sum of products then is an integer multiple of one unit and below 2^53 of it, so a double holds it
  exactly, and every order of summation gives the same bits. This is checked for every layer when it is made exact;
- after each layer the result is rounded to the grid, half to even, and clamped.
"""

from __future__ import annotations

from torch import Tensor

GRID = 2.0**12
LIMIT = 2.0**11 - 1 / GRID
WEIGHT_LIMIT = 2**15 - 1
MANTISSA = 2.0**53


def to_grid_(x: Tensor) -> Tensor:
    """Round doubles to the grid, half to even, and clamp, in place."""
    return x.mul_(GRID).round_().mul_(1 / GRID).clamp_(-LIMIT, LIMIT)
