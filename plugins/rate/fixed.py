"""One set of weights, one quality."""

from __future__ import annotations

from torch import Tensor

from ...core.slots import Rate


class FixedRate(Rate):
    """The latent as it is: one quality per set of weights."""

    levels = 1

    def __init__(self, channels: int) -> None:
        super().__init__()

    def scale(self, y: Tensor, quality: Tensor) -> Tensor:
        return y

    def unscale(self, y_hat: Tensor, quality: Tensor) -> Tensor:
        return y_hat
