"""Layers that see one column of numbers at each site, in exact arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..layers import Indices, MaskedConv2d, live_rows, live_windows
from .columns import multiply
from .grid import LIMIT, ExactSums, to_grid_
from .layers import ExactLayer
from .single import product_in_single
from .straight import straight_through
from .weights import for_doubles, for_floats

COLUMN_BUDGET = 1 << 24  # doubles that a masked convolution gathers at once: 128 MiB


class _SitewiseLayer(ExactLayer):
    """A matrix times the column at each site.

    Args:
        layer: stride 1, one group.
        mask: ``(k, k)``, True for the taps that make up a column.
        name: of the layer, for messages.
        sums: the numbers that hold them.
    """

    mask: Tensor

    def __init__(self, layer: nn.Conv2d, mask: Tensor, name: str, sums: ExactSums) -> None:
        single = sums is ExactSums.SINGLE
        weight = layer.weight * mask
        super().__init__(
            for_floats(weight, layer.bias, mask, name) if single else for_doubles(weight, layer.bias, name)
        )
        self.register_buffer("mask", mask.clone(), persistent=False)
        self.out_channels, self._single = layer.out_channels, single
        self._matrix: Tensor | None = None

    @property
    def matrix(self) -> Tensor:
        """Rows by outputs: integers as floats, or weights as doubles. Made once, after the integers are loaded."""
        if self._matrix is None or self._matrix.device != self.integers.device:
            source = self.integers.float() if self._single else self.weight
            self._matrix = live_rows(source, self.mask).contiguous()
        return self._matrix

    def _exact_at(self, columns: Tensor) -> Tensor:
        """From ``(B, live taps * inputs, n)`` to ``(B, outputs, n)``."""
        if self._single:
            return product_in_single(self.matrix, self.exponent, self.bias, columns)
        return to_grid_(multiply(self.matrix, columns.double().clamp(-LIMIT, LIMIT)).add_(self.bias[:, None]))


class ExactPointwise(_SitewiseLayer):
    """Convolution with a kernel of 1x1 in exact arithmetic."""

    def __init__(self, layer: nn.Conv2d, name: str, sums: ExactSums) -> None:
        super().__init__(layer, torch.ones(1, 1, dtype=torch.bool, device=layer.weight.device), name, sums)

    def _exact(self, x: Tensor) -> Tensor:
        return self._exact_at(x.flatten(2)).reshape(len(x), -1, *x.shape[2:])

    def _smooth(self, x: Tensor) -> Tensor:
        return functional.conv2d(x.float(), *self.floats)


class ExactMaskedConv2d(_SitewiseLayer):
    """Masked convolution in exact arithmetic; dead taps cost nothing."""

    def __init__(self, layer: MaskedConv2d, name: str, sums: ExactSums) -> None:
        super().__init__(layer, layer.mask, name, sums)

    def _exact(self, x: Tensor) -> Tensor:
        return self._exact_on(x, 0, 0, 1)

    def _exact_on(self, x: Tensor, row: int, column: int, stride: int) -> Tensor:
        """Outputs at every so many sites, from ``row`` and ``column`` on."""
        height, width = len(range(row, x.shape[2], stride)), len(range(column, x.shape[3], stride))
        reach = len(self.mask) // 2
        padded = functional.pad(x.double(), (reach, reach, reach, reach))
        taps = self.mask.nonzero().tolist()
        rows = max(1, COLUMN_BUDGET // (len(taps) * max(1, len(x) * x.shape[1] * width)))
        bands = []
        for top in range(0, height, rows):
            band = padded[:, :, row + top * stride :]
            count = min(rows, height - top)
            shifted = [band[:, :, i::stride, column + j :: stride][:, :, :count, :width] for i, j in taps]
            columns = torch.cat(shifted, 1).flatten(2)
            bands.append(self._exact_at(columns).reshape(len(x), -1, count, width))
        return bands[0] if len(bands) == 1 else torch.cat(bands, 2)

    def _smooth(self, x: Tensor) -> Tensor:
        return functional.conv2d(x.float(), *self.floats, padding=len(self.mask) // 2)

    def every_second(self, x: Tensor, row: int, column: int) -> Tensor:
        """As `plic.core.layers.MaskedConv2d.every_second`."""
        with torch.no_grad():
            exact = self._exact_on(x, row, column, 2)
        return straight_through(exact, lambda values: self._smooth_second(values, row, column), x)

    def _smooth_second(self, x: Tensor, row: int, column: int) -> Tensor:
        padded = functional.pad(x.float(), (len(self.mask) // 2,) * 4)[:, :, row:, column:]
        return functional.conv2d(padded, *self.floats, stride=2)

    def at(self, columns: Tensor) -> Tensor:
        """As `plic.core.layers.MaskedConv2d.at`."""
        with torch.no_grad():
            exact = self._exact_at(columns)
        return straight_through(exact, self._smooth_at, columns)

    def at_sites(self, padded: Tensor, rows: Indices, columns: Indices) -> Tensor:
        """As `plic.core.layers.MaskedConv2d.at_sites`."""
        return self.at(live_windows(padded.float() if self._single else padded, self.mask, rows, columns))

    def _smooth_at(self, columns: Tensor) -> Tensor:
        weight, bias = self.floats
        return live_rows(weight, self.mask) @ columns.float() + bias[:, None]
