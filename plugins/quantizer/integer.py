"""Rounding to integers."""

from __future__ import annotations

from ...core.slots import Grid, Quantizer


class IntegerGrid(Quantizer):
    """``symbol = round(y)``, ``y_hat = symbol``. Every head can use it, mixtures need it."""

    grid = Grid.INTEGER
