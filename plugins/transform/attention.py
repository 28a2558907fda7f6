"""The local attention module of residual transforms."""

from __future__ import annotations

from torch import Tensor, nn


class Attention(nn.Module):
    """``x + sigmoid(conv1x1(3 units)) * (3 units)`` (Cheng et al. 2020, arXiv:2001.01568). Local in spite of its name.

    Args:
        channels: features.
        unit_relu: ReLU after the sum of each unit, as CompressAI has it; the paper's own code has none.
    """

    def __init__(self, channels: int, unit_relu: bool = False) -> None:
        super().__init__()
        self.trunk = nn.Sequential(*(BottleneckUnit(channels, unit_relu) for _ in range(3)))
        self.mask = nn.Sequential(
            *(BottleneckUnit(channels, unit_relu) for _ in range(3)), nn.Conv2d(channels, channels, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.mask(x) * self.trunk(x)
        return y


class BottleneckUnit(nn.Module):
    """Bottleneck ``x + conv1x1(relu(conv3x3(relu(conv1x1(x)))))``, then a ReLU if asked for."""

    def __init__(self, channels: int, relu: bool = False) -> None:
        super().__init__()
        inner = channels // 2
        self.layers = nn.Sequential(
            nn.Conv2d(channels, inner, 1),
            nn.ReLU(),
            nn.Conv2d(inner, inner, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(inner, channels, 1),
        )
        self.after = nn.ReLU() if relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.after(x + self.layers(x))
        return y
