"""Rate-distortion curves as plotly's JSON, which its JavaScript draws in the page."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from ..container.stream import quality_text
from ..errors import missing_package
from .model import Comparison, Metric, Point, Row
from .palette import Style, styles
from .view import view

if TYPE_CHECKING:
    from plotly.graph_objects import Scatter


def figure_json(comparison: Comparison, metric: Metric) -> str:
    """The figure of one metric.

    Colours are those for a light ground; each trace's ``meta`` holds both, and the page chooses.

    Raises:
        PluginError: plotly is not installed.
    """
    go = _plotly().graph_objects
    both = zip(comparison.rows, styles(comparison.rows), strict=True)
    figure = go.Figure([_trace(go, row, style, metric) for row, style in both])
    shown = view(comparison, metric)
    figure.update_layout(
        template="none",
        xaxis={"title": {"text": "bits per pixel"}, "range": shown and shown.rates},
        yaxis={"title": {"text": f"{metric.heading} (dB)"}, "range": shown and shown.qualities},
        hovermode="closest",
        legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
        margin={"l": 56, "r": 12, "t": 36, "b": 48},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return str(figure.to_json())


def plotly_js() -> str:
    """The JavaScript of plotly, whole.

    Raises:
        PluginError: plotly is not installed.
    """
    return str(_plotly().offline.get_plotlyjs())


def _plotly() -> Any:
    try:
        import plotly.graph_objects
        import plotly.offline
    except ImportError as error:
        raise missing_package("pages need the package plotly", "report") from error
    return plotly


def _trace(go: Any, row: Row, style: Style, metric: Metric) -> Scatter:
    points = row.drawn(metric)
    return go.Scatter(
        name=html.escape(row.label),  # plotly takes names for a kind of HTML
        x=[point.bpp for point in points],
        y=[point.value(metric) for point in points],
        customdata=[_custom(row, point) for point in points],
        mode="lines+markers",
        line={"color": style.colour.light, "width": 2, "dash": "dash" if style.dashed else "solid"},
        marker={"symbol": style.mark.plotly, "size": 8, "color": style.colour.light},
        meta={"light": style.colour.light, "dark": style.colour.dark},
        hovertemplate="<b>%{fullData.name}</b>%{customdata[0]}<br>%{x:.4f} bpp<br>"
        f"{metric.heading} %{{y:.3f}} dB<extra></extra>",
        showlegend=True,
    )


def _custom(row: Row, point: Point) -> tuple[str, str, str]:
    """What the hover text adds, then model and quality, which a click on the point brings up in the viewer."""
    if point.quality is None:
        return "", "", ""
    quality = quality_text(point.quality)
    return f", quality {quality}", row.label, quality
