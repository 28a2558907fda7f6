"""Layers that `plic.core.exact` knows beyond those of torch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

Indices = npt.NDArray[np.int64]


class MaskedConv2d(nn.Conv2d):
    """Stride-1 convolution with "same" padding whose taps are partly dead.

    Args:
        inputs: input features.
        outputs: output features.
        mask: ``(k, k)``, True for live taps.
    """

    mask: Tensor

    def __init__(self, inputs: int, outputs: int, mask: Tensor) -> None:
        kernel = mask.shape[-1]
        super().__init__(inputs, outputs, kernel, padding=kernel // 2)
        self.register_buffer("mask", mask.bool(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)

    def at(self, columns: Tensor) -> Tensor:
        """Outputs at single sites.

        Args:
            columns: ``(B, inputs * live taps, n)``, the live taps' inputs at ``n`` sites, taps fastest, row by row.

        Returns:
            ``(B, outputs, n)``.
        """
        result = self.weight[:, :, self.mask].flatten(1) @ columns
        return result if self.bias is None else result + self.bias[:, None]


def live_windows(padded: Tensor, mask: Tensor, rows: Indices, columns: Indices) -> Tensor:
    """What the live taps of a masked convolution see at single sites.

    Args:
        padded: ``(B, C, h + 2 r, w + 2 r)``, values with a margin of the mask's radius ``r``; rows that no live tap
            reads may be left out at the bottom.
        mask: ``(2 r + 1, 2 r + 1)``, True for live taps.
        rows: of the ``n`` sites, in values without margin.
        columns: of the sites.

    Returns:
        ``(B, C * live taps, n)``, as `MaskedConv2d.at` takes it.
    """
    taps = mask.nonzero().numpy()  # (taps, 2)
    stride = padded.shape[-1]
    index = (taps @ np.array([stride, 1]))[:, None] + (rows * stride + columns)[None, :]  # (taps, n)
    return padded.flatten(2)[:, :, index].flatten(1, 2)


def pointwise(widths: tuple[int, ...], slope: float) -> nn.Sequential:
    """1x1 convolutions with LeakyReLU between them, linear at the end.

    Args:
        widths: features before the first layer, between the layers, and after the last.
        slope: negative slope of the LeakyReLU.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Conv2d(inputs, outputs, 1), nn.LeakyReLU(slope)]
    return nn.Sequential(*layers[:-1])


def causal_mask(kernel: int) -> Tensor:
    """``(kernel, kernel)``, True for taps before the centre in raster order ("type A")."""
    return (torch.arange(kernel * kernel) < kernel * kernel // 2).view(kernel, kernel)


def checkerboard_mask(kernel: int) -> Tensor:
    """``(kernel, kernel)``, True for taps of the other colour than the centre."""
    index = torch.arange(kernel) - kernel // 2
    return (index[:, None] + index[None, :]) % 2 != 0
