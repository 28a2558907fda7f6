"""A study as one HTML file that needs nothing else; its looks and its curves are those of ``plic compare``."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml

from ..comparison import Difference, Metric, formats
from ..comparison.figures import figure_json, plotly_js
from ..comparison.palette import styles
from ..comparison.templates import environment, in_script
from ..container.stream import quality_text
from .effects import effects
from .gather import Figure, Gathered, Outcome
from .notes import notes_on, protocol
from .table import lambda_of

_OWN = files(__package__) / "page_files"
_SHARED = files(__package__.rpartition(".")[0] + ".comparison") / "page_files"
_FORMATS = (formats.signed, formats.seconds, formats.count, formats.steps, formats.decibels)


def html_page(gathered: Gathered) -> str:
    """The page.

    Raises:
        PluginError: jinja2 or plotly is not installed.
    """
    pages = environment(_text, _FORMATS, figure=Figure, difference=Difference)
    from markupsafe import Markup  # comes with jinja2

    comparison = gathered.comparison
    rows = () if comparison is None else comparison.rows
    metrics = [metric for metric in Metric if any(row.drawn(metric) for row in rows)]
    drawn = {row.label: (row, style) for row, style in zip(rows, styles(rows), strict=True)}
    return pages.get_template("study.html.jinja").render(
        gathered=gathered,
        plan=gathered.plan,
        settings=gathered.plan.settings,
        metrics=metrics or [Metric.PSNR],
        figures={}
        if comparison is None
        else {metric: Markup(in_script(figure_json(comparison, metric))) for metric in metrics},
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
