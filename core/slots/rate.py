"""Slot ``rate``: how one set of weights serves several qualities."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Rate(nn.Module, ABC):
    """Rate control between the transform and the quantiser.

    Scaling happens outside the probability path, so it need not be exact. The first constructor argument is the
    number of latent channels ``C``.

    Attributes:
        levels: number of quality levels, 1 for a fixed rate. Level 0 is the lowest quality.
    """

    levels: int

    @abstractmethod
    def scale(self, y: Tensor, quality: Tensor) -> Tensor:
        """Latent ``(B, C, h, w)`` in units of the quantiser's step, at each image's ``quality`` (int64 ``(B,)``)."""

    @abstractmethod
    def unscale(self, y_hat: Tensor, quality: Tensor) -> Tensor:
        """Inverse of `scale`, applied to the quantised latent before synthesis."""
