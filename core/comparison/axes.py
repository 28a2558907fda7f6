"""Curves on axes of matplotlib, the same in every picture and drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .model import Metric, Row
from .palette import Style
from .view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_curve(axes: Axes, row: Row, style: Style, metric: Metric, label: str) -> None:
    """Add a row's curve.

    Args:
        axes: to draw on.
        row: whose points are drawn.
        style: of the curve.
        metric: against bits per pixel.
        label: for the legend; it is shown as it is.
    """
    points = row.drawn(metric)
    axes.plot(
        [point.bpp for point in points],
        [point.value(metric) for point in points],
        label=plain(label),
        color=style.colour.light,
        linestyle="--" if style.dashed else "-",
        linewidth=1.6,
        marker=style.mark.matplotlib,
        markersize=4.5,
    )


def finish_axes(axes: Axes, metric: Metric, shown: View | None) -> None:
    """Name the axes, rule a grid, and show what is in view; everything if that is None."""
    if shown is not None:
        axes.set_xlim(shown.rates)
        axes.set_ylim(shown.qualities)
    axes.set_xlabel("bits per pixel")
    axes.set_ylabel(f"{metric.heading} (dB)")
    axes.grid(color="#e2e2e2", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def plain(text: str) -> str:
    """Text that matplotlib shows as it is: it sets mathematics between dollars, and hides labels that begin with _."""
    return text.replace("$", r"\$").removeprefix("_")
