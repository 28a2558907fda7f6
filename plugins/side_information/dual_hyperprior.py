"""Hyperprior with two synthesis networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...core.slots import SideInformation
from ..head.factorized import Factorized


class DualHyperprior(SideInformation):
    """One side latent, two sets of features (Minnen and Singh 2020, arXiv:2007.08739).

    ::

        y ─ 3x3 ─ 5x5 /2 ─ 5x5 /2 ─ z ─┬─ 5x5 x2 ─ 5x5 x2 ─ 3x3 ─ features about means
                                       └─ 5x5 x2 ─ 5x5 x2 ─ 3x3 ─ features about scales

    with ReLU after every layer but the last of the analysis, which has no bias. The features are those about means,
    then those about scales, as many of each; a context that makes no difference may take them as one set.

    Args:
        latent_channels: channels of ``y``.
        channels: channels of ``z``.
        analysis_widths: features between the layers of the analysis.
        synthesis_widths: features between the layers of each synthesis.
        features: what each synthesis gives; by default the latent channels.
        filters: widths of the density of ``z``.
    """

    stride = 4
    exact_children = ("mean_synthesis", "scale_synthesis")

    def __init__(
        self,
        latent_channels: int,
        *,
        channels: int = 192,
        analysis_widths: tuple[int, int] = (320, 256),
        synthesis_widths: tuple[int, int] = (192, 256),
        features: int | None = None,
        filters: tuple[int, ...] = (3, 3),
    ) -> None:
        super().__init__()
        each = features or latent_channels
        self.channels = channels
        self.features = 2 * each
        self.head = Factorized(channels, filters=filters)
        a, b = analysis_widths
        self.hyper_analysis = nn.Sequential(
            nn.Conv2d(latent_channels, a, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(a, b, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(b, channels, 5, stride=2, padding=2, bias=False),
        )
        self.mean_synthesis = _synthesis((channels, *synthesis_widths, each))
        self.scale_synthesis = _synthesis((channels, *synthesis_widths, each))

    def analysis(self, y: Tensor) -> Tensor:
        z: Tensor = self.hyper_analysis(y)
        return z

    def synthesis(self, z_hat: Tensor, height: int, width: int) -> Tensor:
        features = torch.cat((self.mean_synthesis(z_hat), self.scale_synthesis(z_hat)), 1)
        return features[:, :, :height, :width]


def _synthesis(widths: tuple[int, ...]) -> nn.Sequential:
    first, second, third, last = widths
    return nn.Sequential(
        nn.ConvTranspose2d(first, second, 5, stride=2, padding=2, output_padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(second, third, 5, stride=2, padding=2, output_padding=1),
        nn.ReLU(),
        nn.Conv2d(third, last, 3, padding=1),
        nn.ReLU(),
    )
