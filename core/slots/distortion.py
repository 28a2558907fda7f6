"""Slot ``distortion``: what training minimises next to the rate."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor


class Distortion(ABC):
    """Distortion of a reconstruction, in the units that lambda is quoted in: ``loss = bpp + lambda * distortion``.

    Attributes:
        smallest_side: least height and width of a picture that it is defined for; smaller ones are refused with an
            error of plic's tree. Training crops must not be smaller.
    """

    smallest_side: int = 1

    @abstractmethod
    def __call__(self, x: Tensor, x_hat: Tensor) -> Tensor:
        """Distortion of each image, ``(B,)``. ``x`` and ``x_hat`` are ``(B, 3, H, W)``, nominally in [0, 1]."""
