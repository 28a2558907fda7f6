"""Rounding around the predicted mean."""

from __future__ import annotations

from ...core.slots import Grid, Quantizer


class MeanCentred(Quantizer):
    """``symbol = round(y - mean)``, ``y_hat = symbol + mean``.

    The head must have exactly one mean per element. ``y_hat`` depends on the context, so an encoder with a context
    that sees decoded elements has to go step by step as the decoder does.
    """

    grid = Grid.MEAN
