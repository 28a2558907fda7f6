"""Masked convolution over a volume in exact arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..layers.masked import MaskedConv3d, convolve_planes
from .columns import multiply
from .grid import LIMIT, to_grid_
from .layers import ExactLayer
from .straight import straight_through
from .weights import for_doubles

OUTPUTS_AT_ONCE = 2**14
"""Elements that are computed together: each takes as many doubles as the planes in use have taps."""


class ExactMaskedConv3d(ExactLayer):
    """`plic.core.layers.MaskedConv3d` in exact arithmetic."""

    mask: Tensor

    def __init__(self, layer: MaskedConv3d, name: str) -> None:
        super().__init__(for_doubles(layer.weight * layer.mask, layer.bias, name))
        self.planes = layer.planes
        self.register_buffer("mask", layer.mask.clone(), persistent=False)
        self._live_weight: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        return self.valid(functional.pad(x, (len(self.mask) // 2,) * 6))

    def valid(self, padded: Tensor) -> Tensor:
        """As `plic.core.layers.MaskedConv3d.valid`."""
        with torch.no_grad():
            exact = self._exact(padded)
        return straight_through(exact, self._smooth, padded)

    def _exact(self, padded: Tensor) -> Tensor:
        margin = len(self.mask) - 1
        depths, height, width = (size - margin for size in padded.shape[2:])
        padded = padded.double().clamp(-LIMIT, LIMIT)
        slab = max(1, OUTPUTS_AT_ONCE // (len(padded) * height * width))
        slabs = [
            to_grid_(self._convolved(padded[:, :, first : first + slab + margin], self.weight, self.bias))
            for first in range(0, depths, slab)
        ]
        return slabs[0] if len(slabs) == 1 else torch.cat(slabs, 2)

    def _smooth(self, padded: Tensor) -> Tensor:
        return self._convolved(padded.float(), *self.floats)

    def _convolved(self, padded: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        used = weight[:, :, self.planes].flatten(1, 2)
        return convolve_planes(padded, len(self.mask), self.planes, lambda x: functional.conv2d(x, used, bias))

    def at(self, columns: Tensor) -> Tensor:
        """As `plic.core.layers.MaskedConv3d.at`."""
        if self._live_weight is None or self._live_weight.device != columns.device:
            self._live_weight = self.weight[:, :, self.mask].flatten(1).contiguous()
        with torch.no_grad():
            exact = to_grid_(multiply(self._live_weight, columns.clamp(-LIMIT, LIMIT)).add_(self.bias[:, None]))
        return straight_through(exact, self._smooth_at, columns)

    def _smooth_at(self, columns: Tensor) -> Tensor:
        weight, bias = self.floats
        return weight[:, :, self.mask].flatten(1) @ columns.float() + bias[:, None]
