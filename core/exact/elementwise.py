"""Nonlinear operations on single elements in exact arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .grid import GRID, LIMIT, to_grid_
from .straight import straight_through

SIGMOID_STEPS = 2**10  # per unit of the argument: half a step changes the result by at most half a unit of the grid
SIGMOID_RANGE = 10  # beyond, the result rounds to 0 or 1


class ExactSigmoid(nn.Module):
    """Sigmoid by table.

    Attributes:
        table: int16, results in units of the grid for arguments ``-SIGMOID_RANGE`` to ``SIGMOID_RANGE``. Made when a
            codec is frozen and stored with its weights, because exponentials differ between machines.
    """

    table: Tensor

    def __init__(self) -> None:
        super().__init__()
        last = SIGMOID_RANGE * SIGMOID_STEPS
        arguments = torch.arange(-last, last + 1, dtype=torch.float64) / SIGMOID_STEPS
        self.register_buffer("table", torch.round(torch.sigmoid(arguments) * GRID).to(torch.int16))

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            last = len(self.table) // 2
            index = (x.double() * SIGMOID_STEPS).round_().clamp_(-last, last).long() + last
            exact = self.table[index].double().mul_(1 / GRID)
        return straight_through(exact, lambda a: torch.sigmoid(a.double()), x)


class ExactProduct(nn.Module):
    """Product of two activations: 46 bits, which a double holds, rounded to the grid."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        with torch.no_grad():
            exact = to_grid_(a.double().clamp(-LIMIT, LIMIT) * b.double().clamp(-LIMIT, LIMIT))
        return straight_through(exact, lambda x, y: x.double() * y.double(), a, b)
