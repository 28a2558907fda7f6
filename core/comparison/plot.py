"""Rate-distortion curves as a PNG, drawn by matplotlib."""

from __future__ import annotations

import io

from ..errors import missing_package
from .axes import draw_curve, finish_axes, plain
from .model import Comparison, Difference, Metric, Row
from .palette import INK, styles
from .view import view

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
        raise missing_package("plots need the package matplotlib", "report") from error
    metrics = [metric for metric in Metric if any(row.drawn(metric) for row in comparison.rows)] or [Metric.PSNR]
    below = _LEGEND_LINE * len(comparison.rows) + 0.3
    figure = Figure(figsize=(_WIDTH * len(metrics) / 2, _HEIGHT + below), dpi=_DPI, layout="constrained")
    for axes, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        for row, style in zip(comparison.rows, styles(comparison.rows), strict=True):
            draw_curve(axes, row, style, metric, _legend(row))
        finish_axes(axes, metric, view(comparison, metric))
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", frameon=False, fontsize=9)
    figure.suptitle(_heading(comparison), fontsize=10, color=INK.light)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _legend(row: Row) -> str:
    """The label with its BD-rates, so that the figures are never apart from the curve they belong to."""
    figures = ", ".join(
        f"{metric.heading} {found.rate:+.1f} % over {found.low:.1f}-{found.high:.1f} dB"
        for metric in Metric
        if isinstance(found := row.difference(metric), Difference)
    )
    return f"{row.label} (anchor)" if row.is_reference else f"{row.label}   BD-rate {figures}" if figures else row.label


def _heading(comparison: Comparison) -> str:
    count = len(comparison.pictures)
    plural = "s" if count > 1 else ""
    return plain(f"{comparison.data}, mean of {count} picture{plural}")
