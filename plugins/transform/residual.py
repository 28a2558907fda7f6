"""Convolutional transform with plain residual blocks."""

from __future__ import annotations

from typing import Literal

from torch import nn

from .attention import Attention
from .blocks import STRIDE, ResidualBlock, analysis_chain, margin, synthesis_chain
from .layered import LayeredTransform


class ResidualTransform(LayeredTransform):
    """Residual blocks of 3x3 convolutions, GDN where the resolution changes (Cheng et al. 2020, arXiv:2001.01568).

    ::

        x     ─ down ─ RB ─ down ─ attention ─ RB ─ down ─ RB ─ 3x3 /2 ─ attention ─ y
        y_hat ─ attention ─ RB ─ up ─ RB ─ up ─ attention ─ RB ─ up ─ RB ─ sub-pixel 3x3 ─ x_hat

    The paper's own code and CompressAI's differ in four details, each of which is a setting; the defaults are those of
    the paper's code.

    Args:
        channels: features everywhere and channels of the latent (N).
        attention: attention modules, two in each direction.
        attention_relu: ReLU after the sum of each residual unit in an attention module. CompressAI has it.
        up_skip_kernel: size of the sub-pixel convolution in the shortcut of a block that goes up. CompressAI: 3.
        latent_bias: bias of the analysis' last convolution. CompressAI has it.
        slope: negative slope of the LeakyReLU: 0.2 is TensorFlow's default, 0.01 is PyTorch's and CompressAI's.
    """

    stride = STRIDE

    def __init__(
        self,
        *,
        channels: int = 128,
        attention: bool = False,
        attention_relu: bool = False,
        up_skip_kernel: Literal[1, 3] = 1,
        latent_bias: bool = False,
        slope: float = 0.2,
    ) -> None:
        super().__init__()
        self.latent_channels = channels
        self.margin = margin(2, attention)

        def block() -> nn.Module:
            return ResidualBlock(channels, slope)

        attend = (lambda: Attention(channels, attention_relu)) if attention else None
        self.analysis_layers = analysis_chain(channels, slope, block, attend, latent_bias)
        self.synthesis_layers = synthesis_chain(channels, slope, block, attend, up_skip_kernel)
