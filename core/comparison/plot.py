"""Rate-distortion curves as a PNG, drawn by matplotlib."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ..errors import PluginError
from .model import Comparison, Difference, Metric, Row
from .palette import INK, Style, styles
from .view import view

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _HEIGHT, _DPI = 11.0, 4.6, 160
_LEGEND_LINE = 0.24
"""Inches."""


def png_plot(comparison: Comparison) -> bytes:
    """The curves of PSNR and, where there are any, of MS-SSIM, side by side with one legend.

    Returns:
        A PNG file.

    Raises:
        PluginError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        hint = "pip install 'plic[report]'"
        raise PluginError("plots need the package matplotlib, which is not installed", hint=hint) from error
    metrics = [metric for metric in Metric if any(row.drawn(metric) for row in comparison.rows)] or [Metric.PSNR]
    below = _LEGEND_LINE * len(comparison.rows) + 0.3
    figure = Figure(figsize=(_WIDTH * len(metrics) / 2, _HEIGHT + below), dpi=_DPI, layout="constrained")
    for axes, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        for row, style in zip(comparison.rows, styles(comparison.rows), strict=True):
            _draw(axes, row, style, metric)
        _finish(axes, comparison, metric)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", frameon=False, fontsize=9)
    figure.suptitle(_heading(comparison), fontsize=10, color=INK.light)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw(axes: Axes, row: Row, style: Style, metric: Metric) -> None:
    points = row.drawn(metric)
    axes.plot(
        [point.bpp for point in points],
        [point.value(metric) for point in points],
        label=_legend(row),
        color=style.colour.light,
        linestyle="--" if style.dashed else "-",
        linewidth=1.6,
        marker=style.mark.matplotlib,
        markersize=4.5,
    )


def _finish(axes: Axes, comparison: Comparison, metric: Metric) -> None:
    if (shown := view(comparison, metric)) is not None:
        axes.set_xlim(shown.rates)
        axes.set_ylim(shown.qualities)
    axes.set_xlabel("bits per pixel")
    axes.set_ylabel(f"{metric.heading} (dB)")
    axes.grid(color="#e2e2e2", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _legend(row: Row) -> str:
    """The label with its BD-rates, so that the figures are never apart from the curve they belong to."""
    figures = ", ".join(
        f"{metric.heading} {found.rate:+.1f} % over {found.low:.1f}-{found.high:.1f} dB"
        for metric in Metric
        if isinstance(found := row.difference(metric), Difference)
    )
    # matplotlib sets what stands between two dollars as mathematics, and hides labels with a leading underscore
    label = row.label.replace("$", r"\$").removeprefix("_")
    return f"{label} (anchor)" if row.is_reference else f"{label}   BD-rate {figures}" if figures else label


def _heading(comparison: Comparison) -> str:
    count = len(comparison.pictures)
    plural = "s" if count > 1 else ""
    return f"{comparison.data}, mean of {count} picture{plural}".replace("$", r"\$")
