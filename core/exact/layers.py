"""Linear layers and activations in exact arithmetic."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ExactnessError
from ..layers import MaskedConv2d
from .grid import GRID, LIMIT, MANTISSA, WEIGHT_LIMIT, to_grid_

FEW_COLUMNS = 256  # up to here, products with sites as rows took half the time
ROW_MULTIPLE = 8


class _ExactLayer(nn.Module):
    """Integer weights of one linear layer.

    Attributes:
        integers: int16, as the layer's weight.
        exponent: weights are ``integers * 2^-exponent``.
        bias: float64 ``(outputs,)``, on the activation grid.
    """

    integers: Tensor
    exponent: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None, outputs: int, output_dimension: int, name: str) -> None:
        super().__init__()
        weight = weight.detach().double()
        _check_finite(weight, name)
        largest = float(weight.abs().max()) if weight.numel() else 0.0
        exponent = math.floor(math.log2(WEIGHT_LIMIT / largest)) if largest > 0 else 0
        integers = torch.round(weight * 2.0**exponent).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT)
        grid_bias = torch.zeros(outputs, dtype=torch.float64) if bias is None else bias.detach().double().clone()
        _check_finite(grid_bias, name)
        to_grid_(grid_bias)
        other = [axis for axis in range(weight.dim()) if axis != output_dimension]
        worst = integers.abs().sum(other) * LIMIT * GRID
        if float(worst.max() + grid_bias.abs().max() * GRID * 2.0**exponent) >= MANTISSA:
            raise ExactnessError(
                f"layer {name} has sums that a double cannot hold exactly",
                got=f"up to 2^{math.log2(float(worst.max())):.1f} units",
                expected="below 2^53",
                hint="reduce the layer's fan-in (input channels times kernel area)",
            )
        self.register_buffer("integers", integers.to(torch.int16))
        self.register_buffer("exponent", torch.tensor(exponent, dtype=torch.int16))
        self.register_buffer("bias", grid_bias)
        self._weight: Tensor | None = None

    @property
    def weight(self) -> Tensor:
        """Weights as doubles; made once, after the integers are loaded."""
        if self._weight is None or self._weight.device != self.integers.device:
            self._weight = self.integers.double() * 2.0 ** -int(self.exponent)
        return self._weight


class ExactConv2d(_ExactLayer):
    """Convolution in exact arithmetic."""

    def __init__(self, layer: nn.Conv2d, name: str) -> None:
        super().__init__(layer.weight, layer.bias, layer.out_channels, 0, name)
        self.stride, self.padding = layer.stride, layer.padding
        self.dilation, self.groups = layer.dilation, layer.groups
        self.pointwise = layer.kernel_size == (1, 1) and layer.stride == (1, 1) and layer.groups == 1

    def forward(self, x: Tensor) -> Tensor:
        x = x.double().clamp(-LIMIT, LIMIT)
        if self.pointwise:
            return to_grid_(_product(self.weight.flatten(1), x.flatten(2)).add_(self.bias[:, None])).reshape(
                len(x), -1, *x.shape[2:]
            )
        return to_grid_(
            functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
        )


class ExactMaskedConv2d(_ExactLayer):
    """Masked convolution in exact arithmetic; dead taps cost nothing."""

    mask: Tensor

    def __init__(self, layer: MaskedConv2d, name: str) -> None:
        super().__init__(layer.weight * layer.mask, layer.bias, layer.out_channels, 0, name)
        self.out_channels = layer.out_channels
        self.register_buffer("mask", layer.mask.clone(), persistent=False)
        self._live_weight: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        reach = len(self.mask) // 2
        padded = functional.pad(x.double(), (reach, reach, reach, reach))
        shifted = [padded[:, :, i : i + height, j : j + width] for i, j in self.mask.nonzero().tolist()]
        return self.at(torch.stack(shifted, 2).flatten(1, 2).flatten(2)).view(len(x), -1, height, width)

    def at(self, columns: Tensor) -> Tensor:
        """As `plic.core.layers.MaskedConv2d.at`."""
        if self._live_weight is None or self._live_weight.device != columns.device:
            self._live_weight = self.weight[:, :, self.mask].flatten(1).contiguous()
        return to_grid_(_product(self._live_weight, columns.clamp(-LIMIT, LIMIT)).add_(self.bias[:, None]))


def _product(weight: Tensor, columns: Tensor) -> Tensor:
    """``weight (O, I) @ columns (B, I, n)``; for few columns in the layout that matrix libraries are fast at."""
    batch, inputs, count = columns.shape
    if batch * count > FEW_COLUMNS:
        return weight @ columns
    rows = columns.transpose(1, 2).reshape(-1, inputs)
    rows = functional.pad(rows, (0, 0, 0, -len(rows) % ROW_MULTIPLE))
    return functional.linear(rows, weight)[: batch * count].view(batch, count, -1).transpose(1, 2)


class ExactConvTranspose2d(_ExactLayer):
    """Transposed convolution in exact arithmetic."""

    def __init__(self, layer: nn.ConvTranspose2d, name: str) -> None:
        if layer.groups != 1:
            raise ExactnessError(f"layer {name} is a grouped transposed convolution", hint="use groups=1")
        super().__init__(layer.weight, layer.bias, layer.out_channels, 1, name)
        if isinstance(layer.padding, str):
            raise ExactnessError(f"layer {name} has padding {layer.padding!r}", expected="numbers")
        self.stride, self.padding = layer.stride, layer.padding
        self.output_padding, self.dilation = layer.output_padding, layer.dilation

    def forward(self, x: Tensor) -> Tensor:
        x = x.double().clamp(-LIMIT, LIMIT)
        return to_grid_(
            functional.conv_transpose2d(
                x, self.weight, self.bias, self.stride, self.padding, self.output_padding, 1, self.dilation
            )
        )


class ExactLeakyReLU(nn.Module):
    """LeakyReLU in exact arithmetic; one IEEE product and a rounding per element."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        return torch.maximum(x, (x * (self.slope * GRID)).round_().mul_(1 / GRID))


def _check_finite(weight: Tensor, name: str) -> None:
    if not bool(torch.isfinite(weight).all()):
        raise ExactnessError(
            f"layer {name} has weights that are not finite", hint="train again with a lower learning rate"
        )
