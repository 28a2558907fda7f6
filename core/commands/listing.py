"""``plic recipes`` and ``plic anchors``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..catalogue import WeightsEntry, is_shipped
from ..errors import RecipeError
from ..recipe import list_recipes, load_recipe, recipe_schema
from ..recipe.yaml_source import read_yaml
from ..registry import Registry, default_registry

if TYPE_CHECKING:
    from ..report import RecipeReport


@dataclass(frozen=True)
class RecipeLine:
    """One recipe in the list: its name, title and file, and who lists weights of it.

    Attributes:
        name: of the recipe.
        title: one line for people.
        path: of its file.
        weights: ``-`` if nobody has any, ``weights`` if plic comes with them, and the catalogue that lists others.
    """

    name: str
    title: str
    path: Path
    weights: str


def recipe_lines(registry: Registry | None = None) -> list[RecipeLine]:
    """Every recipe that can be loaded by name. One that cannot be read has the reason as its title."""
    registry = registry or default_registry()
    listed = registry.catalogue.weights
    recipes = list_recipes(registry)
    return [RecipeLine(name, _title(path), path, _weights(listed.get(name))) for name, path in recipes.items()]


def _weights(entry: WeightsEntry | None) -> str:
    if entry is None:
        return "-"
    return "weights" if is_shipped(entry) else f"weights ({entry.origin})"


def _title(path: Path) -> str:
    try:
        return str(read_yaml(path).data.get("title") or "")
    except RecipeError as error:
        return f"cannot be read: {error.problem}"


def recipe_details(name: str, registry: Registry | None = None) -> RecipeReport:
    """Resolved parts, parameters, arithmetic and steps of one recipe.

    Raises:
        PlicError: it does not load or cannot be built.
    """
    from ..report import report_on

    registry = registry or default_registry()
    return report_on(load_recipe(name, registry=registry), registry)


def anchor_facts(registry: Registry | None = None) -> list[dict[str, Any]]:
    """The rate-distortion curves to compare with, as plain values."""
    from ..evaluation import load_anchors

    return [anchor.model_dump(mode="json") for anchor in load_anchors(registry).values()]


def schema(registry: Registry | None = None) -> dict[str, Any]:
    """JSON Schema of recipe files."""
    return recipe_schema(registry or default_registry())


def report_rows(report: RecipeReport) -> list[tuple[str, str, str]]:
    """A report as (name, value, remark), for people."""
    rows = [
        (part.choice.slot, f"{part.choice.id}", f"{part.parameters:,} parameters" if part.parameters else "")
        for part in report.parts
    ]
    rows.append(("all parts", "", f"{report.parameters:,} parameters"))
    for stage, macs in report.macs_per_pixel.items():
        rows.append((stage, f"{macs:,.0f}", "multiply-accumulates per pixel"))
    rows.append(("all stages", f"{sum(report.macs_per_pixel.values()):,.0f}", "multiply-accumulates per pixel"))
    rows.append(("steps", str(report.steps), f"for {report.width}x{report.height}"))
    return rows
