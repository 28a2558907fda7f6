"""A study as one HTML file that needs nothing else; its looks and its curves are those of ``plic compare``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

import yaml

from ..comparison import Comparison, Difference, Metric, formats
from ..comparison.figures import figure_json, plotly_js
from ..comparison.palette import styles
from ..comparison.templates import environment, in_script
from ..container.stream import quality_text
from .drawing import svg_curves
from .effects import effects
from .gather import Figure, Gathered, Outcome
from .notes import notes_on, protocol
from .table import lambda_of

_OWN = files(__package__) / "page_files"
_SHARED = files(__package__.rpartition(".")[0] + ".comparison") / "page_files"
_BUDGET = ("training.lambdas", "training.steps")
_FORMATS = (formats.signed, formats.seconds, formats.count, formats.steps, formats.decibels)


def html_page(gathered: Gathered, interactive: bool = True) -> str:
    """The page.

    Args:
        gathered: what is known of the study.
        interactive: curves that can be zoomed and asked, which takes 5 MB of JavaScript; otherwise a drawing of them.

    Raises:
        PluginError: jinja2, or plotly, or for a drawing matplotlib, is not installed.
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
        drawn=drawn,
        common=list(_common(gathered.plan.settings.common)),
        table=effects(gathered),
        lambda_of=lambda_of,
        recipe_text=_recipe,
        quality_text=quality_text,
        notes=notes_on(gathered),
        protocol=protocol(gathered),
        css=Markup(_shared("page.css") + _text("study.css")),
        **{name: Markup(text) for name, text in _curves(comparison, metrics, interactive).items()},
        figures={metric: Markup(text) for metric, text in _figures(comparison, metrics, interactive).items()},
    )


def _figures(comparison: Comparison | None, metrics: Sequence[Metric], interactive: bool) -> dict[Metric, str]:
    """What plotly is to draw."""
    if comparison is None or not interactive:
        return {}
    return {metric: in_script(figure_json(comparison, metric)) for metric in metrics}


def _curves(comparison: Comparison | None, metrics: Sequence[Metric], interactive: bool) -> dict[str, str]:
    """A finished drawing, or the JavaScript that draws; empty where there is nothing to draw."""
    if comparison is None or not metrics:
        return {"drawing": "", "plotly": "", "curves": ""}
    if not interactive:
        return {"drawing": svg_curves(comparison, metrics), "plotly": "", "curves": ""}
    return {"drawing": "", "plotly": plotly_js(), "curves": _shared("curves.js")}


def _common(settings: Mapping[str, Any]) -> Iterator[str]:
    """As --set takes them, without the budget, which the page states by itself."""
    for key, value in settings.items():
        if key not in _BUDGET:
            text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
            stated = text.removesuffix("...\n").strip()  # which ends the document of a single number or word
            yield f"{key}={stated}"


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
