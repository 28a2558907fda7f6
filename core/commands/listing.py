"""``plic recipes``, ``plic plugins`` and ``plic anchors``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import RecipeError
from ..recipe import list_recipes, load_recipe, recipe_schema
from ..recipe.yaml_source import read_yaml
from ..registry import SLOTS, TOOLS, Registry, default_registry

if TYPE_CHECKING:
    from ..report import RecipeReport


@dataclass(frozen=True)
class RecipeLine:
    """One recipe in the list: its name, title, file, and whether its weights are shipped."""

    name: str
    title: str
    path: Path
    weights: bool


def recipe_lines(registry: Registry | None = None) -> list[RecipeLine]:
    """Every recipe that can be loaded by name. One that cannot be read has the reason as its title."""
    registry = registry or default_registry()
    shipped = registry.catalogue.weights
    return [RecipeLine(name, _title(path), path, name in shipped) for name, path in list_recipes(registry).items()]


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


def plugin_facts(registry: Registry | None = None) -> dict[str, Any]:
    """Plugins, parts, importers and conflicts as plain values."""
    registry = registry or default_registry()
    plugins = [
        {
            "name": plugin.name,
            "provider": plugin.provider,
            "target": plugin.target,
            "status": plugin.status,
            "seconds": round(plugin.seconds, 3),
            "parts": [f"{part.slot}/{part.id}" for part in plugin.parts],
            "recipes": [str(folder) for folder in plugin.recipe_folders],
            "importers": [importer.id for importer in plugin.importers],
            "anchors": [str(file) for file in plugin.anchor_files],
            "reason": plugin.reason,
            "traceback": plugin.traceback,
        }
        for plugin in registry.plugins
    ]
    parts = {slot: {part: registry.provider(slot, part) for part in registry.ids(slot)} for slot in (*SLOTS, *TOOLS)}
    reads = {importer.id: importer.reads for plugin in registry.plugins for importer in plugin.importers}
    importers = {name: {"provider": by, "reads": reads[name]} for name, by in registry.importers.items()}
    conflicts = [str(error) for error in registry.conflicts]
    return {"plugins": plugins, "parts": parts, "importers": importers, "conflicts": conflicts}


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
