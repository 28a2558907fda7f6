"""Residual blocks and non-local attention, shared by transforms and side information (Chen et al. 2021)."""

from __future__ import annotations

from torch import Tensor, nn

from ..core.layers import Product, SoftmaxAttention


class PlainResidualBlock(nn.Module):
    """``x + conv(relu(conv(x)))``, without an activation after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.branch(x)
        return y


def residual_blocks(count: int, channels: int) -> nn.Sequential:
    """``count`` residual blocks in a row."""
    return nn.Sequential(*(PlainResidualBlock(channels) for _ in range(count)))


class SkippedBlocks(nn.Module):
    """``x + blocks(x)``."""

    def __init__(self, count: int, channels: int) -> None:
        super().__init__()
        self.blocks = residual_blocks(count, channels)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.blocks(x)
        return y


class NonlocalBlock(nn.Module):
    """Attention of every site to all sites, "embedded Gaussian" (Wang et al. 2018, arXiv:1711.07971).

    ::

        x ─┬─ 1x1 query ─┐
           ├─ 1x1 key ───┼─ softmax over sites ─ 1x1 ─ + ─
           ├─ 1x1 value ─┘                             │
           └───────────────────────────────────────────┘

    The last 1x1 convolution starts at zero, so that the block begins as the identity.

    Args:
        channels: features; half as many in query, key and value.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.query, self.key, self.value = (nn.Conv2d(channels, inner, 1) for _ in range(3))
        self.attention = SoftmaxAttention()
        self.last = nn.Conv2d(inner, channels, 1)
        nn.init.zeros_(self.last.weight)
        if self.last.bias is not None:
            nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (layer(x).flatten(2) for layer in (self.query, self.key, self.value))
        gathered: Tensor = self.attention(query, key, value).unflatten(2, x.shape[2:])
        y: Tensor = x + self.last(gathered)
        return y


class NonlocalAttention(nn.Module):
    """``x + trunk(x) * sigmoid(mask(x))``, whose mask branch sees the whole picture ("NLAM").

    ::

        x ─┬─ 3 blocks ──────────────────────── * ─ + ─
           ├─ non-local ─ 3 blocks ─ 1x1 ─ sigmoid  │
           └────────────────────────────────────────┘

    Args:
        channels: features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.trunk = residual_blocks(3, channels)
        self.mask = nn.Sequential(
            NonlocalBlock(channels), residual_blocks(3, channels), nn.Conv2d(channels, channels, 1), nn.Sigmoid()
        )
        self.gate = Product()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.gate(self.trunk(x), self.mask(x))
        return y


def down(inputs: int, outputs: int) -> nn.Conv2d:
    """5x5 convolution to half the resolution."""
    return nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)


def up(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """Transposed 5x5 convolution to twice the resolution."""
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1)
