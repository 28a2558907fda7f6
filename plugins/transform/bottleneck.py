"""Convolutional transform with residual bottleneck blocks, without normalisation."""

from __future__ import annotations

from torch import nn

from .attention import Attention, BottleneckUnit
from .blocks import ATTENTION_REACH, STRIDE
from .layered import LayeredTransform


class BottleneckTransform(LayeredTransform):
    """Residual bottleneck blocks (RBB) between 5x5 convolutions of stride 2 (He et al. 2022, arXiv:2203.10886).

    ::

        x     ─ 5x5 /2 ─ RBBs ─ 5x5 /2 ─ RBBs ─ attention ─ 5x5 /2 ─ RBBs ─ 5x5 /2 ─ attention ─ y
        x_hat ─ 5x5 x2 ─ RBBs ─ 5x5 x2 ─ RBBs ─ attention ─ 5x5 x2 ─ RBBs ─ 5x5 x2 ─ attention ─ y_hat
                (the synthesis, right to left; after the attention at 1/4 of the resolution come its RBBs)

    Args:
        channels: features between the layers (N).
        latent_channels: channels of the latent (M).
        blocks: RBBs in a row; 1 gives the smaller model of the paper.
        attention_relu: ReLU after the sum of each residual unit in an attention module. CompressAI has it.
    """

    stride = STRIDE

    def __init__(
        self, *, channels: int = 192, latent_channels: int = 320, blocks: int = 3, attention_relu: bool = True
    ) -> None:
        super().__init__()
        self.latent_channels = latent_channels
        self.margin = _margin(blocks)
        n, m = channels, latent_channels

        def stack() -> list[nn.Module]:
            return [BottleneckUnit(n) for _ in range(blocks)]

        def attention(features: int) -> Attention:
            return Attention(features, attention_relu)

        self.analysis_layers = nn.Sequential(
            *(_down(3, n), *stack(), _down(n, n), *stack(), attention(n)),
            *(_down(n, n), *stack(), _down(n, m), attention(m)),
        )
        self.synthesis_layers = nn.Sequential(
            *(attention(m), _up(m, n), *stack(), _up(n, n), attention(n), *stack()),
            *(_up(n, n), *stack(), _up(n, 3)),
        )


def _down(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)


def _up(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1)


def _margin(blocks: int) -> int:
    """Latent sites around a site that its latent and its pixels depend on.

    Followed layer by layer against the direction of the data, in samples of the resolution at hand.
    """
    at_each_resolution = (blocks, blocks + ATTENTION_REACH, blocks)  # 3x3 convolutions at 1/8, 1/4, 1/2 of the image

    pixels = 2 * ATTENTION_REACH + 2  # 5x5 /2
    for here in at_each_resolution:
        pixels = 2 * (pixels + here) + 2
    analysis = -(-pixels // STRIDE)

    sites = 1  # 5x5 x2: a sample sees one around that which it belongs to
    for here in reversed(at_each_resolution):
        sites = (sites + here + 3) // 2  # the two samples of a coarser one together see half as far, and one more
    return max(analysis, sites + ATTENTION_REACH)
