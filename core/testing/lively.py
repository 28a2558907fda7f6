"""Codecs whose latents have some life: those of random transforms are next to nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from ..codec import Codec
from ..slots import Transform
from .data import pictures

LIFE = 3.0
"""Standard deviation of latents, in quantiser steps."""
SITES = 6


class Scaled(Transform):
    """A transform with its latents multiplied by a constant."""

    def __init__(self, inner: Transform, factor: float) -> None:
        super().__init__()
        self.inner = inner
        self.factor = factor
        self.stride, self.latent_channels, self.margin = inner.stride, inner.latent_channels, inner.margin

    def analysis(self, x: Tensor) -> Tensor:
        return self.inner.analysis(x) * self.factor

    def synthesis(self, y_hat: Tensor) -> Tensor:
        return self.inner.synthesis(y_hat / self.factor)


@torch.no_grad()
def with_life(codec: Codec, life: float = LIFE) -> Codec:
    """The codec with a transform whose latents vary by ``life``."""
    side = SITES * codec.transform.stride
    y = codec.transform.analysis(pictures(0, 2, side, side))
    codec.transform = Scaled(codec.transform, life / max(1e-6, float(y.std())))
    return codec
