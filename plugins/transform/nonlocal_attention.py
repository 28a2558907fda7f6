"""Residual transform with non-local attention at the latent."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...core import tiling
from ...core.slots import Transform
from ..nonlocal_blocks import NonlocalAttention, SkippedBlocks, down, residual_blocks, up

LOCAL_MARGIN = 8
"""Sites around a site that the convolutions between picture and attention depend on, in both directions."""


class NonlocalTransform(Transform):
    """Residual blocks, then attention over all sites of the latent (Chen et al. 2021, arXiv:1910.06244).

    ::

        x     ─ 5x5 ─ 2 RB ─ 5x5 /2 ─ 3 RB + skip ─ 5x5 /2 ─ 3 RB ─ 5x5 /2 ─ 3 RB ─ 5x5 /2 ─ non-local ─ y
        y_hat ─ non-local ─ 5x5 x2 ─ 3 RB ─ 5x5 x2 ─ 3 RB ─ 5x5 x2 ─ 3 RB + skip ─ 5x5 x2 ─ 3 RB ─ 5x5 ─ x_hat

    ReLU inside the blocks, no normalisation. Half the features at full resolution. Every latent depends on the whole
    picture, so the codec cannot transform it piece by piece (no `margin`); the convolutions alone can be, and the
    attention looks at so many pairs of sites at a time that its memory stays bounded.

    Args:
        channels: features below full resolution, and channels of the latent (M).
    """

    stride = 16

    def __init__(self, *, channels: int = 192) -> None:
        super().__init__()
        self.latent_channels = channels
        wide, half = channels, channels // 2
        self.analysis_layers = nn.Sequential(
            *(nn.Conv2d(3, half, 5, padding=2), residual_blocks(2, half), down(half, wide)),
            *(SkippedBlocks(3, wide), down(wide, wide)),
            *(residual_blocks(3, wide), down(wide, wide)),
            *(residual_blocks(3, wide), down(wide, wide)),
        )
        self.analysis_attention = NonlocalAttention(wide)
        self.synthesis_attention = NonlocalAttention(wide)
        self.synthesis_layers = nn.Sequential(
            *(up(wide, wide), residual_blocks(3, wide)),
            *(up(wide, wide), residual_blocks(3, wide)),
            *(up(wide, wide), SkippedBlocks(3, wide)),
            *(up(wide, half), residual_blocks(3, half), nn.Conv2d(half, 3, 5, padding=2)),
        )

    def analysis(self, x: Tensor) -> Tensor:
        y: Tensor = self.analysis_attention(self._piecewise(self.analysis_layers, x, self.stride, 1))
        return y

    def synthesis(self, y_hat: Tensor) -> Tensor:
        return self._piecewise(self.synthesis_layers, self.synthesis_attention(y_hat), 1, self.stride)

    def _piecewise(self, layers: nn.Sequential, x: Tensor, inside: int, outside: int) -> Tensor:
        """The layers, piece by piece where no gradients keep everything in memory anyway."""
        if torch.is_grad_enabled():
            y: Tensor = layers(x)
            return y
        return tiling.by_tiles(layers, x, LOCAL_MARGIN, inside, outside, tiling.TILE)
