"""Slot ``rate``: how one set of weights serves several qualities."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Rate(nn.Module, ABC):
    """Rate control between the transform and the quantiser.

    Scaling happens outside the probability path, so it need not be exact. The first constructor argument is the
    number of latent channels ``C``.

    A quality is a level, or, where `interpolates`, a point between two: 3.25 is a quarter of the way from level 3 to
    level 4. Whole qualities come as int64 or as float32, with the same result to the last bit; fractions as float32.

    Attributes:
        levels: number of quality levels, 1 for a fixed rate. Level 0 is the lowest quality.
        interpolates: whether there are qualities between the levels. If not, only whole ones are given.
    """

    levels: int
    interpolates: bool = False

    @abstractmethod
    def scale(self, y: Tensor, quality: Tensor) -> Tensor:
        """Latent ``(B, C, h, w)`` in units of the quantiser's step.

        Args:
            y: as the analysis transform gives it.
            quality: of each image, ``(B,)``, from 0 to ``levels - 1``.
        """

    @abstractmethod
    def unscale(self, y_hat: Tensor, quality: Tensor) -> Tensor:
        """Inverse of `scale`, applied to the quantised latent before synthesis."""

    def start_from(self, trained: Rate, places: Tensor) -> None:
        """Begin training as a trained part was, perhaps with other levels. The default keeps the fresh start.

        Args:
            trained: a rate part of any kind.
            places: float ``(levels,)``, where each level lies among the levels of ``trained``; it may be outside.
        """
        return
