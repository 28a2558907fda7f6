"""Where recipes are: plic's own, those of plugins, and files."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from ..catalogue import project_catalogue
from ..errors import PluginError, UnknownName, near_matches
from ..registry import Registry, default_registry

RECIPES = Path(__file__).resolve().parent.parent.parent / "recipes"
SUFFIXES = (".yaml", ".yml")


def list_recipes(registry: Registry | None = None) -> dict[str, Path]:
    """Every recipe that can be loaded by name, and its file."""
    return {name: paths[0] for name, paths in sorted(_recipe_files(registry or default_registry()).items())}


def _recipe_files(registry: Registry) -> dict[str, list[Path]]:
    """Files by name: plic's own first, then those of plugins."""
    found: dict[str, list[Path]] = defaultdict(list)
    for folder in (RECIPES, *registry.recipe_folders):
        for path in sorted(folder.iterdir()):
            if path.suffix in SUFFIXES:
                found[path.stem].append(path)
    return found


def registry_beside(name: str | Path, registry: Registry) -> Registry:
    """A registry that also knows the ``registry.yaml`` beside a recipe, if that is given as a path.

    Raises:
        PlicError: that file is malformed.
    """
    if not str(name).endswith(SUFFIXES):
        return registry
    catalogue = project_catalogue(registry.catalogue, Path(name))
    return registry if catalogue is registry.catalogue else Registry(registry.plugins, catalogue)


def find_recipe(name: str, registry: Registry, where: str = "", beside: Path | None = None) -> Path:
    """File of a recipe.

    Args:
        name: of the recipe, or a path that ends in ``.yaml`` or ``.yml``.
        registry: knows the folders of plugins.
        where: file and line that ask for it, for messages.
        beside: folder that paths are relative to; the working directory when None.

    Raises:
        UnknownName: there is no such recipe.
        PluginError: several folders have one of that name.
    """
    prefix = f"{where}: " if where else ""
    if name.endswith(SUFFIXES):
        path = (beside or Path()) / name
        if not path.is_file():
            raise UnknownName(f"{prefix}there is no recipe file {path}", hint="`plic recipes` lists recipes by name")
        return path
    known = _recipe_files(registry)
    if name not in known:
        raise UnknownName(
            f"{prefix}no recipe is called {name!r}",
            expected=f"one of {', '.join(sorted(known)) or '(none)'}, or a path that ends in .yaml",
            near=near_matches(name, known),
            hint="`plic recipes` lists them all",
        )
    if len(known[name]) > 1:
        raise PluginError(
            f"{prefix}there are {len(known[name])} recipes called {name!r}, so it is not clear which one is meant",
            got=", ".join(map(str, known[name])),
            expected="one file",
            hint="give the path of the one you mean, or set PLIC_DISABLE_PLUGINS to the plugin that adds the other",
        )
    return known[name][0]
