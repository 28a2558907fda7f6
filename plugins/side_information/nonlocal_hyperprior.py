"""Hyperprior of residual blocks with non-local attention."""

from __future__ import annotations

from torch import Tensor, nn

from ...core.slots import SideInformation
from ..head.factorized import Factorized
from ..nonlocal_blocks import NonlocalAttention, down, residual_blocks, up


class NonlocalHyperprior(SideInformation):
    """Hyperprior with attention over all sites of ``z`` (Chen et al. 2021, arXiv:1910.06244).

    ::

        y ─ 2 RB ─ 5x5 /2 ─ 2 RB ─ 5x5 /2 ─ non-local ─ 3x3 ─ z
        z ─ 3x3 ─ non-local ─ 2 RB ─ 5x5 x2 ─ 2 RB ─ 5x5 x2 ─ 3 RB ─ 3x3 ─ features

    Args:
        latent_channels: channels of ``y``, and features everywhere but at the ends.
        channels: channels of ``z``.
        features: side features; by default twice the latent channels.
        filters: widths of the density of ``z``.
    """

    stride = 4

    def __init__(
        self,
        latent_channels: int,
        *,
        channels: int = 128,
        features: int | None = None,
        filters: tuple[int, ...] = (3, 3, 3),
    ) -> None:
        super().__init__()
        self.channels = channels
        self.features = features or 2 * latent_channels
        self.head = Factorized(channels, filters=filters)
        m = latent_channels
        self.hyper_analysis = nn.Sequential(
            *(residual_blocks(2, m), down(m, m), residual_blocks(2, m), down(m, m)),
            *(NonlocalAttention(m), nn.Conv2d(m, channels, 3, padding=1)),
        )
        self.hyper_synthesis = nn.Sequential(
            *(nn.Conv2d(channels, m, 3, padding=1), NonlocalAttention(m)),
            *(residual_blocks(2, m), up(m, m), residual_blocks(2, m), up(m, m)),
            *(residual_blocks(3, m), nn.Conv2d(m, self.features, 3, padding=1)),
        )

    def analysis(self, y: Tensor) -> Tensor:
        z: Tensor = self.hyper_analysis(y)
        return z

    def synthesis(self, z_hat: Tensor, height: int, width: int) -> Tensor:
        features: Tensor = self.hyper_synthesis(z_hat)
        return features[:, :, :height, :width]
