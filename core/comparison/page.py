"""The comparison as one HTML file that needs nothing else: no network, no folder beside it.

Comparison ──┬── figures: plotly's JSON ──┐
             ├── gallery: data URIs ──────┼── page.html.jinja ──> one file
             └── rows, notes ─────────────┘
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ..errors import PluginError
from ..evaluation import StageSeconds
from . import formats
from .figures import figure_json, plotly_js
from .model import Comparison, Difference, Metric
from .palette import styles
from .pictures import LARGEST, Gallery
from .provenance import protocol, provenance
from .viewer import viewer_data

if TYPE_CHECKING:
    from jinja2 import Environment

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
    environment = _environment()
    from markupsafe import Markup  # comes with jinja2

    viewer = viewer_data(gallery)
    return environment.get_template("page.html.jinja").render(
        comparison=comparison,
        metrics=[metric for metric in Metric if any(row.drawn(metric) for row in comparison.rows)] or [Metric.PSNR],
        # JSON between script tags: a "<" could end the element, or begin a comment
        figures={metric: Markup(_in_script(figure_json(comparison, metric))) for metric in Metric},
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


def _environment() -> Environment:
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError as error:
        hint = "pip install 'plic[report]'"
        raise PluginError("pages need the package jinja2, which is not installed", hint=hint) from error
    environment = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update({form.__name__: form for form in _FORMATS})
    environment.tests["difference"] = _is_difference
    return environment


def _is_difference(value: Any) -> bool:
    return isinstance(value, Difference)


def _in_script(json_text: str) -> str:
    return json_text.replace("<", r"\u003c")


def _text(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")
