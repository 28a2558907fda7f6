"""Weights as integers times powers of two."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ExactnessError
from ..finite import all_finite
from ..layers import live_rows
from .grid import GRID, LIMIT, MANTISSA, WEIGHT_LIMIT, to_grid_
from .single import integer_rows


@dataclass(frozen=True)
class IntegerWeights:
    """What a linear layer holds in exact arithmetic.

    Attributes:
        integers: int16, of the layer's shape.
        exponent: int16; weights are ``integers * 2^-exponent``. One for all, or with sums in single precision one for
            each output, ``(outputs,)``.
        bias: float64 ``(outputs,)``, on the activation grid.
    """

    integers: Tensor
    exponent: Tensor
    bias: Tensor


def for_doubles(weight: Tensor, bias: Tensor | None, name: str, output_dimension: int = 0) -> IntegerWeights:
    """Weights whose sums with activations on the grid a double holds.

    Args:
        weight: of any shape.
        bias: ``(outputs,)``.
        name: of the layer, for messages.
        output_dimension: of the weight.

    Raises:
        ExactnessError: a weight is not finite, or a sum could be too large.
    """
    weight = _finite(weight, name)
    grid_bias = _on_grid(bias, weight.shape[output_dimension], name)
    largest = float(weight.abs().max()) if weight.numel() else 0.0
    exponent = math.floor(math.log2(WEIGHT_LIMIT / largest)) if largest > 0 else 0
    integers = torch.round(weight * 2.0**exponent).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT)
    other = [axis for axis in range(weight.dim()) if axis != output_dimension]
    worst = integers.abs().sum(other) * LIMIT * GRID
    if float(worst.max() + grid_bias.abs().max() * GRID * 2.0**exponent) >= MANTISSA:
        raise ExactnessError(
            f"layer {name} has sums that a double cannot hold exactly",
            got=f"up to 2^{math.log2(float(worst.max())):.1f} units",
            expected="below 2^53",
            hint="reduce the layer's fan-in (input channels times kernel area)",
        )
    return IntegerWeights(integers.to(torch.int16), torch.tensor(exponent, dtype=torch.int16), grid_bias)


def for_floats(weight: Tensor, bias: Tensor | None, live: Tensor, name: str) -> IntegerWeights:
    """Weights whose sums with whole columns a float holds, see `plic.core.exact.single`.

    Args:
        weight: ``(outputs, inputs, k, k)``.
        bias: ``(outputs,)``.
        live: ``(k, k)``, True for the taps that are in use; all others become zero.
        name: of the layer, for messages.

    Raises:
        ExactnessError: a weight is not finite.
    """
    weight = _finite(weight, name)
    rows, exponents = integer_rows(live_rows(weight, live))
    integers = torch.zeros_like(weight, dtype=torch.int16)
    integers[:, :, live] = rows.view(len(rows), -1, weight.shape[1]).transpose(1, 2)
    return IntegerWeights(integers, exponents, _on_grid(bias, len(weight), name))


def scaled_back(integers: Tensor, exponent: Tensor) -> Tensor:
    """The weights that integers stand for, as doubles.

    Args:
        integers: of any shape.
        exponent: one for all, or one for each entry of the first dimension.
    """
    powers = torch.tensor([2.0**-one for one in exponent.flatten().tolist()], dtype=torch.float64)
    return integers.double() * powers.to(integers.device).view(-1, *[1] * (integers.dim() - 1))


def _on_grid(bias: Tensor | None, outputs: int, name: str) -> Tensor:
    if bias is None:
        return torch.zeros(outputs, dtype=torch.float64)
    return to_grid_(_finite(bias, name).clone())


def _finite(weight: Tensor, name: str) -> Tensor:
    """As doubles."""
    weight = weight.detach().double()
    if not all_finite(weight):
        raise ExactnessError(
            f"layer {name} has weights that are not finite", hint="train again with a lower learning rate"
        )
    return weight
