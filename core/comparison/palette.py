"""Colours and marks of curves: hues that the colour-blind can tell apart, after Okabe and Ito, for two grounds.

Colour Universal Design, https://jfly.uni-koeln.de/color/. The reference gets the colour of the text instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from .model import Row


@dataclass(frozen=True)
class Colour:
    """One hue on a light and on a dark ground, as ``#rrggbb``."""

    light: str
    dark: str


@dataclass(frozen=True)
class Mark:
    """The symbol of a curve's points, as plotly and as matplotlib call it."""

    plotly: str
    matplotlib: str


INK = Colour("#1b1b1b", "#f0f0f0")
COLOURS = (
    Colour("#0072b2", "#56b4e9"),
    Colour("#d55e00", "#ff8c42"),
    Colour("#009e73", "#3ad1a5"),
    Colour("#c0679a", "#eaa3cb"),
    Colour("#b07d00", "#f0b93a"),
    Colour("#6a51a3", "#b5a5e6"),
    Colour("#7a7a7a", "#a8a8a8"),
)
MARKS = (Mark("circle", "o"), Mark("square", "s"), Mark("diamond", "D"), Mark("triangle-up", "^"), Mark("cross", "P"))


@dataclass(frozen=True)
class Style:
    """How a curve is drawn.

    Attributes:
        colour: its hue.
        mark: at its points.
        dashed: shipped anchors are, models are not.
    """

    colour: Colour
    mark: Mark
    dashed: bool


def styles(rows: Sequence[Row]) -> list[Style]:
    """A style for each row; no two are equal among the first 35."""
    colours = cycle(COLOURS)
    return [
        Style(INK if row.is_reference else next(colours), mark, row.anchor is not None)
        for row, mark in zip(rows, cycle(MARKS), strict=False)
    ]
