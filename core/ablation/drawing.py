"""The curves of a study as a drawing inside its page, for pages that are to be small: kilobytes, and no JavaScript."""

from __future__ import annotations

import io
from collections.abc import Sequence

from ..comparison import Comparison, Metric
from ..comparison.axes import draw_curve, finish_axes
from ..comparison.palette import styles
from ..comparison.view import view
from ..errors import missing_package

_WIDTH, _HEIGHT, _LEGEND_LINE = 5.6, 4.2, 0.23
"""Inches: of one metric, of its axes, and of a line of the legend."""
_COLUMNS = 2
"""Of the legend."""
# text stays text, which the page's own font and a reader's search find; ids are the same in every drawing
_SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "plic", "font.family": "sans-serif"}


def svg_curves(comparison: Comparison, metrics: Sequence[Metric]) -> str:
    """The curves of some metrics side by side, with one legend.

    Args:
        comparison: what is drawn.
        metrics: at least one.

    Returns:
        An ``<svg>`` element, on a ground without colour, in colours for a light page.

    Raises:
        PluginError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_package("drawings need the package matplotlib", "report") from error
    below = _LEGEND_LINE * -(-len(comparison.rows) // _COLUMNS) + 0.2
    buffer = io.StringIO()
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(_WIDTH * len(metrics), _HEIGHT + below), layout="constrained")
        panels = figure.subplots(1, len(metrics), squeeze=False)[0]
        for axes, metric in zip(panels, metrics, strict=True):
            for row, style in zip(comparison.rows, styles(comparison.rows), strict=True):
                draw_curve(axes, row, style, metric, row.label)
            finish_axes(axes, metric, view(comparison, metric))
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", frameon=False, fontsize=9, ncols=_COLUMNS)
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
