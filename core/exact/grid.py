"""Exact arithmetic: networks whose outputs are bit-identical on every machine.

A decoder's network output that differs in the last bit from the encoder's turns the rest of a stream into garbage.
Floating-point sums depend on their order, hence on device, thread count and batch size, unless nothing is ever
rounded. So on the probability path:

- activations are doubles on the grid 2^-12, at most 2^11 in magnitude: 23 bits;
- weights are int16 times a power of two per layer: 15 bits;
- every partial sum of products then is an integer multiple of one unit and below 2^53 of it, so a double holds it
  exactly, and every order of summation gives the same bits. This is checked for every layer when it is made exact;
- after each layer the result is rounded to the grid, half to even, and clamped.

Where a recipe asks for sums in single precision, layers that see one column of numbers at each site take integers small
enough for that (`single`), and give floats, which hold the grid just as well.

Where gradients are asked for, results are the same bits, and rounding and clamping pass gradients straight through.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import torch
from torch import Tensor

GRID = 2.0**12
LIMIT = 2.0**11 - 1 / GRID
WEIGHT_LIMIT = 2**15 - 1
MANTISSA = 2.0**53


class ExactSums(Enum):
    """Which numbers hold the sums of layers that see one column of numbers at each site; all others take doubles."""

    DOUBLE = "double"
    SINGLE = "single"


def to_grid_(x: Tensor) -> Tensor:
    """Round doubles to the grid, half to even, and clamp, in place unless gradients are asked for."""
    if x.requires_grad and torch.is_grad_enabled():
        rounded: Tensor = _Rounded.apply(x)  # type: ignore[no-untyped-call]
        return rounded
    return x.mul_(GRID).round_().mul_(1 / GRID).clamp_(-LIMIT, LIMIT)


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return to_grid_(x.clone())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]
