"""Linear layers and activations in exact arithmetic.

Where gradients are asked for, the forward pass gives the same bits, and the backward pass is that of the layer in
single precision: nothing depends on the last bits of a gradient, and it takes a fraction of the time.
"""

from __future__ import annotations

import math
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ExactnessError
from ..layers import MaskedConv2d
from ..threads import one_thread
from .grid import GRID, LIMIT, MANTISSA, WEIGHT_LIMIT, to_grid_
from .straight import straight_through

FEW_COLUMNS = 256  # up to here, products with sites as rows took half the time
FEW_PRODUCTS = 1 << 23  # a millisecond of one core: not worth handing to others
ROW_MULTIPLE = 8
COLUMN_BUDGET = 1 << 24  # doubles that a masked convolution gathers at once: 128 MiB


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
        self._single: tuple[Tensor, Tensor] | None = None

    @property
    def weight(self) -> Tensor:
        """Weights as doubles; made once, after the integers are loaded."""
        if self._weight is None or self._weight.device != self.integers.device:
            with torch.inference_mode(False):  # or no gradient could pass through it later
                self._weight = self.integers.double() * 2.0 ** -int(self.exponent)
        return self._weight

    @property
    def single(self) -> tuple[Tensor, Tensor]:
        """Weights and bias in single precision, for gradients."""
        if self._single is None or self._single[0].device != self.integers.device:
            with torch.inference_mode(False):
                self._single = self.weight.float(), self.bias.float()
        return self._single

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


class ExactConv2d(_ExactLayer):
    """Convolution in exact arithmetic."""

    def __init__(self, layer: nn.Conv2d, name: str) -> None:
        super().__init__(layer.weight, layer.bias, layer.out_channels, 0, name)
        self.stride, self.padding = layer.stride, layer.padding
        self.dilation, self.groups = layer.dilation, layer.groups
        self.pointwise = layer.kernel_size == (1, 1) and layer.stride == (1, 1) and layer.groups == 1

    def _exact(self, x: Tensor) -> Tensor:
        x = x.double().clamp(-LIMIT, LIMIT)
        if self.pointwise:
            return to_grid_(_product(self.weight.flatten(1), x.flatten(2)).add_(self.bias[:, None])).reshape(
                len(x), -1, *x.shape[2:]
            )
        return to_grid_(self._convolved(x, self.weight, self.bias))

    def _smooth(self, x: Tensor) -> Tensor:
        return self._convolved(x.float(), *self.single)

    def _convolved(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return functional.conv2d(x, weight, bias, self.stride, self.padding, self.dilation, self.groups)


class ExactMaskedConv2d(_ExactLayer):
    """Masked convolution in exact arithmetic; dead taps cost nothing."""

    mask: Tensor

    def __init__(self, layer: MaskedConv2d, name: str) -> None:
        super().__init__(layer.weight * layer.mask, layer.bias, layer.out_channels, 0, name)
        self.out_channels = layer.out_channels
        self.register_buffer("mask", layer.mask.clone(), persistent=False)
        self._live_weight: Tensor | None = None

    def _exact(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        reach = len(self.mask) // 2
        padded = functional.pad(x.double(), (reach, reach, reach, reach))
        taps = self.mask.nonzero().tolist()
        rows = max(1, COLUMN_BUDGET // (len(taps) * max(1, x[:, :, 0].numel())))
        bands = []
        for top in range(0, height, rows):
            count = min(rows, height - top)
            shifted = [padded[:, :, top + i : top + i + count, j : j + width] for i, j in taps]
            columns = torch.stack(shifted, 2).flatten(1, 2).flatten(2)
            bands.append(self._exact_at(columns).view(len(x), -1, count, width))
        return bands[0] if len(bands) == 1 else torch.cat(bands, 2)

    def _smooth(self, x: Tensor) -> Tensor:
        return functional.conv2d(x.float(), *self.single, padding=len(self.mask) // 2)

    def every_second(self, x: Tensor, row: int, column: int) -> Tensor:
        """As `plic.core.layers.MaskedConv2d.every_second`."""
        every: Tensor = self(x)
        return every[:, :, row::2, column::2]

    def at(self, columns: Tensor) -> Tensor:
        """As `plic.core.layers.MaskedConv2d.at`."""
        with torch.no_grad():
            exact = self._exact_at(columns)
        return straight_through(exact, self._smooth_at, columns)

    def _exact_at(self, columns: Tensor) -> Tensor:
        if self._live_weight is None or self._live_weight.device != columns.device:
            self._live_weight = self.weight[:, :, self.mask].flatten(1).contiguous()
        return to_grid_(_product(self._live_weight, columns.clamp(-LIMIT, LIMIT)).add_(self.bias[:, None]))

    def _smooth_at(self, columns: Tensor) -> Tensor:
        weight, bias = self.single
        return weight[:, :, self.mask].flatten(1) @ columns.float() + bias[:, None]


def _product(weight: Tensor, columns: Tensor) -> Tensor:
    """``weight (O, I) @ columns (B, I, n)``; for few columns in the layout that matrix libraries are fast at."""
    batch, inputs, count = columns.shape
    if batch * count > FEW_COLUMNS:
        return weight @ columns
    rows = columns.transpose(1, 2).reshape(-1, inputs)
    rows = functional.pad(rows, (0, 0, 0, -len(rows) % ROW_MULTIPLE))
    with one_thread() if rows.numel() * len(weight) < FEW_PRODUCTS else nullcontext():
        product = functional.linear(rows, weight)
    return product[: batch * count].view(batch, count, -1).transpose(1, 2)


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

    def _exact(self, x: Tensor) -> Tensor:
        return to_grid_(self._convolved(x.double().clamp(-LIMIT, LIMIT), self.weight, self.bias))

    def _smooth(self, x: Tensor) -> Tensor:
        return self._convolved(x.float(), *self.single)

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


def _check_finite(weight: Tensor, name: str) -> None:
    if not bool(torch.isfinite(weight).all()):
        raise ExactnessError(
            f"layer {name} has weights that are not finite", hint="train again with a lower learning rate"
        )
