"""Variable rate by channel gains: one set of weights for all qualities."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...core.slots import Rate


class Gain(Rate):
    """One gain per quality level and channel before quantisation, and a learned inverse after it.

    These are the asymmetric gain units of gained variational autoencoders (Cui et al., "Asymmetric gained deep image
    compression with continuous rate adaptation", CVPR 2021): a quality is a vector of quantiser steps, and the
    inverse gains are parameters of their own, here stored as what they differ by from the exact inverse
    (``log_correction``). Between two levels both are interpolated geometrically, ``m = m_low^(1 - s) * m_high^s`` for a
    share ``s`` of the way, which keeps gain times inverse gain on the curve between the levels; offsets linearly.

    Args:
        channels: latent channels.
        levels: number of qualities.
        span: ratio between the initial gains of the highest and the lowest quality. The initial gains are equal over
            the channels and geometrically spaced around 1.
        offsets: also add a learned vector for each quality to what the synthesis gets; from it the synthesis can tell
            how coarsely the latent was quantised.
    """

    interpolates = True

    def __init__(self, channels: int, *, levels: int = 8, span: float = 8.0, offsets: bool = False) -> None:
        super().__init__()
        self.levels = levels
        positions = torch.linspace(-0.5, 0.5, levels) if levels > 1 else torch.zeros(1)
        start = (math.log(span) * positions)[:, None].repeat(1, channels)
        self.log_gain = nn.Parameter(start)  # (levels, C)
        self.log_correction = nn.Parameter(torch.zeros(levels, channels))
        self.offsets = nn.Parameter(torch.zeros(levels, channels)) if offsets else None

    def scale(self, y: Tensor, quality: Tensor) -> Tensor:
        return y * _at(self.log_gain, quality).exp()[:, :, None, None]

    def unscale(self, y_hat: Tensor, quality: Tensor) -> Tensor:
        inverse = (_at(self.log_correction, quality) - _at(self.log_gain, quality)).exp()
        unscaled = y_hat * inverse[:, :, None, None]
        return unscaled if self.offsets is None else unscaled + _at(self.offsets, quality)[:, :, None, None]

    def start_from(self, trained: Rate, places: Tensor) -> None:
        """Gains of another unit, straight lines between and beyond its levels."""
        if not isinstance(trained, Gain) or trained.log_gain.shape[1] != self.log_gain.shape[1]:
            return
        with torch.no_grad():
            self.log_gain.copy_(_extended(trained.log_gain, places))
            self.log_correction.copy_(_extended(trained.log_correction, places))
            if self.offsets is not None and trained.offsets is not None:
                self.offsets.copy_(_extended(trained.offsets, places))


def _at(table: Tensor, quality: Tensor) -> Tensor:
    """Rows of ``table`` ``(levels, C)`` at each ``quality``, linear between them: ``(B, C)``."""
    if not quality.is_floating_point():
        return table[quality]
    low = quality.floor().long()
    high = (low + 1).clamp(max=len(table) - 1)
    return torch.lerp(table[low], table[high], (quality - low)[:, None])  # exactly a row where the share is 0


def _extended(table: Tensor, places: Tensor) -> Tensor:
    """Rows of ``table`` at any places, on the line through the two nearest rows."""
    if len(table) == 1:
        return table.expand(len(places), -1)
    low = places.floor().long().clamp(0, len(table) - 2)
    return table[low] + (places - low)[:, None] * (table[low + 1] - table[low])
