"""Asking a plugin's hooks for what it provides."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import answers, hookspecs
from .errors import PluginError

if TYPE_CHECKING:
    import pluggy

    from .probability import Family


def answers_of(hooks: pluggy.HookRelay, named: Collection[str], asked: Collection[str]) -> dict[str, Any]:
    """What the plugin answers, by the attribute of `Plugin` that holds it.

    Args:
        hooks: of the plugin.
        named: groups of entry points that name the plugin.
        asked: those of them whose hooks are called.

    Raises:
        PluginError: it adds commands that nobody would ever look for.
    """
    if hooks.plic_register_commands.get_hookimpls() and hookspecs.COMMANDS not in named:
        raise PluginError(
            "the plugin adds commands, and no entry point says so",
            expected=f"an entry point in the group {hookspecs.COMMANDS}, where `plic --help` looks for commands",
            hint=f'name the module in [project.entry-points."{hookspecs.COMMANDS}"] too',
        )
    found = _parts_and_more(hooks) if hookspecs.PROJECT in asked else {}
    if hookspecs.COMMANDS in asked:
        found["commands"] = _joined(hooks.plic_register_commands())
        answers.check_commands(found["commands"])
    return found


def _parts_and_more(hooks: pluggy.HookRelay) -> dict[str, Any]:
    """All hooks but that for commands."""
    parts = _joined(hooks.plic_register_parts())
    folders = tuple(map(Path, _joined(hooks.plic_register_recipes())))
    importers = _joined(hooks.plic_register_importers())
    anchors = tuple(map(Path, _joined(hooks.plic_register_anchors())))
    catalogues = tuple(map(Path, _joined(hooks.plic_register_catalogues())))
    families = _families(_joined(hooks.plic_register_families()))
    metrics = _joined(hooks.plic_register_metrics())
    callbacks = _joined(hooks.plic_register_callbacks())
    answers.check_parts(parts)
    answers.check_folders(folders, "recipes")
    answers.check_importers(importers)
    answers.check_files(anchors, "anchors")
    answers.check_files(catalogues, "a catalogue")
    answers.check_metrics(metrics)
    answers.check_callbacks(callbacks)
    return {
        "parts": parts,
        "recipe_folders": folders,
        "importers": importers,
        "anchor_files": anchors,
        "catalogue_files": catalogues,
        "families": families,
        "metrics": metrics,
        "callbacks": callbacks,
    }


def _families(files: tuple[Any, ...]) -> tuple[Family, ...]:
    if not files:
        return ()
    from .probability import families  # imports numpy, which a plugin without families need not wait for

    return families.read_all(files)


def _joined(given: Iterable[Iterable[Any]]) -> tuple[Any, ...]:
    return tuple(one for answer in given for one in answer)
