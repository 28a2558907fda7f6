"""Convolutional transform with concatenated residual modules."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from .attention import Attention
from .layered import LayeredTransform
from .normalisation import Gdn


class CrmTransform(LayeredTransform):
    """Residual transform of Fu et al. (2021, arXiv:2107.06463): concatenated residual modules (CRM).

    ::

        x     ─ down ─ CRM ─ down ─ attention ─ CRM ─ down ─ CRM ─ 3x3 /2 ─ attention ─ y
        y_hat ─ attention ─ CRM ─ up ─ CRM ─ up ─ attention ─ CRM ─ up ─ CRM ─ sub-pixel 3x3 ─ x_hat

    Args:
        channels: features everywhere and channels of the latent (N).
        stages: residual units in a module. 1 is the plain residual block, 2 and 3 are the paper's modules, with a
            long skip over all stages beside the short one around each. The released code has two; three follow the
            paper's figure.
        attention: attention modules, two in each direction.
        slope: negative slope of the LeakyReLU. The released code runs with TensorFlow's default, 0.2.
    """

    stride = 16

    def __init__(
        self, *, channels: int = 128, stages: Literal[1, 2, 3] = 2, attention: bool = True, slope: float = 0.2
    ) -> None:
        super().__init__()
        n = channels
        self.latent_channels = n
        self.margin = 10 + 4 * stages  # of the synthesis, which looks farther than the analysis

        def crm() -> nn.Module:
            return ConcatenatedResidualModule(n, stages, slope)

        def attend() -> nn.Module:
            return Attention(n) if attention else nn.Identity()

        self.analysis_layers = nn.Sequential(
            *(_Down(3, n, slope), crm(), _Down(n, n, slope), attend()),
            *(crm(), _Down(n, n, slope), crm()),
            *(nn.Conv2d(n, n, 3, stride=2, padding=1, bias=False), attend()),
        )
        self.synthesis_layers = nn.Sequential(
            *(attend(), crm(), _Up(n, slope), crm(), _Up(n, slope)),
            *(attend(), crm(), _Up(n, slope), crm()),
            *(nn.Conv2d(n, 3 * 4, 3, padding=1), nn.PixelShuffle(2)),
        )


class ConcatenatedResidualModule(nn.Module):
    """Residual units in a row, and a skip over all of them.

    With ``F_k(x) = L(conv(L(conv(x))))`` and ``t_k = t_(k-1) + F_k(t_(k-1))``, ``t_0 = x``, two and more stages give
    ``x + t_last``; one stage gives the plain residual block ``t_1``.
    """

    def __init__(self, channels: int, stages: int, slope: float) -> None:
        super().__init__()
        self.units = nn.ModuleList(_residual_unit(channels, slope) for _ in range(stages))

    def forward(self, x: Tensor) -> Tensor:
        t = x
        for unit in self.units:
            t = t + unit(t)
        return t if len(self.units) == 1 else x + t


def _residual_unit(channels: int, slope: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.LeakyReLU(slope),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.LeakyReLU(slope),
    )


class _Down(nn.Module):
    """``GDN(conv(L(conv /2 (x)))) + conv1x1 /2 (x)``."""

    def __init__(self, inputs: int, outputs: int, slope: float) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1),
            nn.LeakyReLU(slope),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            Gdn(outputs),
        )
        self.skip = nn.Conv2d(inputs, outputs, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.main(x) + self.skip(x)
        return y


class _Up(nn.Module):
    """``IGDN(conv(L(sub-pixel conv(x)))) + sub-pixel conv1x1(x)``."""

    def __init__(self, channels: int, slope: float) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, 4 * channels, 3, padding=1),
            nn.LeakyReLU(slope),
            nn.PixelShuffle(2),
            nn.Conv2d(channels, channels, 3, padding=1),
            Gdn(channels, inverse=True),
        )
        self.skip = nn.Sequential(nn.Conv2d(channels, 4 * channels, 1), nn.PixelShuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.main(x) + self.skip(x)
        return y
