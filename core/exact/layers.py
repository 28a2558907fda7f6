"""Convolutions and activations in exact arithmetic.

Where gradients are asked for, the forward pass gives the same bits, and the backward pass is that of the layer in
single precision: nothing depends on the last bits of a gradient, and it takes a fraction of the time.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ExactnessError
from .grid import GRID, LIMIT, to_grid_
from .straight import straight_through
from .weights import IntegerWeights, for_doubles, scaled_back


class ExactLayer(nn.Module):
    """Integer weights of one linear layer; attributes as those of `IntegerWeights`."""

    integers: Tensor
    exponent: Tensor
    bias: Tensor

    def __init__(self, weights: IntegerWeights) -> None:
        super().__init__()
        self.register_buffer("integers", weights.integers)
        self.register_buffer("exponent", weights.exponent)
        self.register_buffer("bias", weights.bias)
        self._weight: Tensor | None = None
        self._floats: tuple[Tensor, Tensor] | None = None

    @property
    def weight(self) -> Tensor:
        """Weights as doubles; made once, after the integers are loaded."""
        if self._weight is None or self._weight.device != self.integers.device:
            with torch.inference_mode(False):  # or no gradient could pass through it later
                self._weight = scaled_back(self.integers, self.exponent)
        return self._weight

    @property
    def floats(self) -> tuple[Tensor, Tensor]:
        """Weights and bias in single precision, for gradients."""
        if self._floats is None or self._floats[0].device != self.integers.device:
            with torch.inference_mode(False):
                self._floats = self.weight.float(), self.bias.float()
        return self._floats

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            exact = self._exact(x)
        return straight_through(exact, self._smooth, x)

    def _exact(self, x: Tensor) -> Tensor:
        """The layer in exact arithmetic."""
        raise NotImplementedError

    def _smooth(self, x: Tensor) -> Tensor:
        """The layer in single precision."""
        raise NotImplementedError


class ExactConv2d(ExactLayer):
    """Convolution in exact arithmetic."""

    def __init__(self, layer: nn.Conv2d, name: str) -> None:
        super().__init__(for_doubles(layer.weight, layer.bias, name))
        self.stride, self.padding = layer.stride, layer.padding
        self.dilation, self.groups = layer.dilation, layer.groups

    def _exact(self, x: Tensor) -> Tensor:
        return to_grid_(self._convolved(x.double().clamp(-LIMIT, LIMIT), self.weight, self.bias))

    def _smooth(self, x: Tensor) -> Tensor:
        return self._convolved(x.float(), *self.floats)

    def _convolved(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return functional.conv2d(x, weight, bias, self.stride, self.padding, self.dilation, self.groups)


class ExactConvTranspose2d(ExactLayer):
    """Transposed convolution in exact arithmetic."""

    def __init__(self, layer: nn.ConvTranspose2d, name: str) -> None:
        if layer.groups != 1:
            raise ExactnessError(f"layer {name} is a grouped transposed convolution", hint="use groups=1")
        super().__init__(for_doubles(layer.weight, layer.bias, name, output_dimension=1))
        if isinstance(layer.padding, str):
            raise ExactnessError(f"layer {name} has padding {layer.padding!r}", expected="numbers")
        self.stride, self.padding = layer.stride, layer.padding
        self.output_padding, self.dilation = layer.output_padding, layer.dilation

    def _exact(self, x: Tensor) -> Tensor:
        return to_grid_(self._convolved(x.double().clamp(-LIMIT, LIMIT), self.weight, self.bias))

    def _smooth(self, x: Tensor) -> Tensor:
        return self._convolved(x.float(), *self.floats)

    def _convolved(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return functional.conv_transpose2d(
            x, weight, bias, self.stride, self.padding, self.output_padding, 1, self.dilation
        )


class ExactLeakyReLU(nn.Module):
    """LeakyReLU in exact arithmetic; one IEEE product and a rounding per element."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            exact = torch.maximum(x, (x * (self.slope * GRID)).round_().mul_(1 / GRID))
        return straight_through(exact, self._smooth, x)

    def _smooth(self, x: Tensor) -> Tensor:
        return functional.leaky_relu(x, self.slope)
