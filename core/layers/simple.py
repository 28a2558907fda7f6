"""Small pieces of networks: products, chains of 1x1 convolutions."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn


class Product(nn.Module):
    """``a * b``, element by element; a module because its exact counterpart rounds."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a * b


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
