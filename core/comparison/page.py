"""The comparison as one HTML file that needs nothing else: no network, no folder beside it.

Comparison ──┬── figures: plotly's JSON ──┐
             ├── gallery: data URIs ──────┼── page.html.jinja ──> one file
             └── rows, notes ─────────────┘
"""

from __future__ import annotations

from importlib.resources import files

from ..evaluation import StageSeconds
from . import formats
from .figures import figure_json, plotly_js
from .model import Comparison, Difference, Metric
from .palette import styles
from .pictures import LARGEST, Gallery
from .provenance import protocol, provenance
from .templates import environment, in_script
from .viewer import viewer_data

_FILES = files(__package__) / "page_files"
_FORMATS = (
    formats.signed,
    formats.seconds,
    formats.count,
    formats.steps,
    formats.memory,
    formats.decibels,
    formats.measure,
    formats.quality,
)


def html_page(comparison: Comparison, gallery: Gallery) -> str:
    """The page.

    Args:
        comparison: curves and figures.
        gallery: of the same comparison.

    Raises:
        PluginError: jinja2 or plotly is not installed.
    """
    pages = environment(_text, _FORMATS, difference=Difference)
    from markupsafe import Markup  # comes with jinja2

    viewer = viewer_data(gallery)
    return pages.get_template("page.html.jinja").render(
        comparison=comparison,
        metrics=[metric for metric in Metric if any(row.drawn(metric) for row in comparison.rows)] or [Metric.PSNR],
        figures={metric: Markup(in_script(figure_json(comparison, metric))) for metric in Metric},
        rows=list(zip(comparison.rows, styles(comparison.rows), strict=True)),
        stages=_stages(comparison),
        gallery=gallery,
        viewer=viewer,
        largest=LARGEST,
        protocol=protocol(comparison),
        provenance=[provenance(row.measured) for row in comparison.models if row.measured is not None],
        css=Markup(_text("page.css")),
        scripts=[Markup(_text(name)) for name in ("curves.js", "viewer.js")],
        plotly=Markup(plotly_js()),
    )


def _stages(comparison: Comparison) -> list[str]:
    """Those in which any model spends time."""
    times = [way for row in comparison.models if row.costs for way in (row.costs.encode, row.costs.decode)]
    stages = (stage for stage in StageSeconds.model_fields if stage != "total")
    return [stage for stage in stages if any(getattr(one, stage) for one in times)]


def _text(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")
