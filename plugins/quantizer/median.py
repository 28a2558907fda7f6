"""Rounding around each channel's median."""

from __future__ import annotations

from ...core.slots import Grid, Quantizer


class ChannelMedian(Quantizer):
    """``symbol = round(y - median)``, ``y_hat = symbol + median``, with the medians of a head that owns densities."""

    grid = Grid.MEDIAN
