"""Variable rate by channel gains: one set of weights for all qualities."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...core.slots import Rate


class Gain(Rate):
    """One gain per quality level and channel before quantisation, and a learned inverse after it.

    The idea is that of gained variational autoencoders (Cui et al., "Asymmetric gained deep image compression with
    continuous rate adaptation", CVPR 2021): a quality is a vector of quantiser steps.

    Args:
        channels: latent channels.
        levels: number of qualities.
        span: ratio between the initial gains of the highest and the lowest quality. The initial gains are equal over
            the channels and geometrically spaced around 1.
    """

    def __init__(self, channels: int, *, levels: int = 8, span: float = 8.0) -> None:
        super().__init__()
        self.levels = levels
        positions = torch.linspace(-0.5, 0.5, levels) if levels > 1 else torch.zeros(1)
        start = (math.log(span) * positions)[:, None].repeat(1, channels)
        self.log_gain = nn.Parameter(start)  # (levels, C)
        self.log_correction = nn.Parameter(torch.zeros(levels, channels))

    def scale(self, y: Tensor, quality: Tensor) -> Tensor:
        return y * self.log_gain[quality].exp()[:, :, None, None]

    def unscale(self, y_hat: Tensor, quality: Tensor) -> Tensor:
        inverse = (self.log_correction[quality] - self.log_gain[quality]).exp()
        return y_hat * inverse[:, :, None, None]
