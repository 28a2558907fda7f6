"""A study as one HTML file that needs nothing else; its looks and its curves are those of ``plic compare``."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from ..comparison import Difference, Metric, formats
from ..comparison.figures import figure_json, plotly_js
from ..comparison.palette import styles
from ..container.stream import quality_text
from ..errors import PluginError
from .effects import effects
from .gather import Figure, Gathered, Outcome
from .notes import notes_on, protocol
from .table import lambda_of

if TYPE_CHECKING:
    from jinja2 import Environment

_OWN = files(__package__) / "page_files"
_SHARED = files(__package__.rpartition(".")[0] + ".comparison") / "page_files"
_FORMATS = (formats.signed, formats.seconds, formats.count, formats.steps, formats.decibels)


def html_page(gathered: Gathered) -> str:
    """The page.

    Raises:
        PluginError: jinja2 or plotly is not installed.
    """
    environment = _environment()
    from markupsafe import Markup  # comes with jinja2

    comparison = gathered.comparison
    rows = () if comparison is None else comparison.rows
    metrics = [metric for metric in Metric if any(row.drawn(metric) for row in rows)]
    drawn = {row.label: (row, style) for row, style in zip(rows, styles(rows), strict=True)}
    return environment.get_template("study.html.jinja").render(
        gathered=gathered,
        plan=gathered.plan,
        settings=gathered.plan.settings,
        metrics=metrics or [Metric.PSNR],
        # JSON between script tags: a "<" could end the element, or begin a comment
        figures={}
        if comparison is None
        else {metric: Markup(figure_json(comparison, metric).replace("<", r"\u003c")) for metric in metrics},
        drawn=drawn,
        table=effects(gathered),
        lambda_of=lambda_of,
        recipe_text=_recipe,
        quality_text=quality_text,
        notes=notes_on(gathered),
        protocol=protocol(gathered),
        css=Markup(_shared("page.css") + _text("study.css")),
        curves=Markup(_shared("curves.js")),
        plotly=Markup(plotly_js()) if metrics else "",
    )


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
    environment.tests["figure"] = lambda value: isinstance(value, Figure)
    environment.tests["difference"] = lambda value: isinstance(value, Difference)
    return environment


def _recipe(outcome: Outcome) -> str:
    """Resolved, as YAML, as the cell's folders have it but for the seed."""
    if outcome.cell.recipe is None:
        return ""
    text: Any = yaml.safe_dump(outcome.cell.recipe.resolved(), sort_keys=False, allow_unicode=True, width=100)
    return str(text)


def _text(name: str) -> str:
    return (_OWN / name).read_text(encoding="utf-8")


def _shared(name: str) -> str:
    return (_SHARED / name).read_text(encoding="utf-8")
