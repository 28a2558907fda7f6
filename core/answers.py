"""What a plugin answers to the hooks, checked: whatever is not as documented is refused before anything uses it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from .callback import Callback
from .errors import PluginError, near_matches
from .metric import Better, MetricSpec
from .registry import SLOTS, TOOLS, PartSpec

PART_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def check_id(name: object) -> str:
    """A name that people type.

    Raises:
        PluginError: it is none.
    """
    if not isinstance(name, str) or not PART_ID.fullmatch(name):
        raise PluginError(f"{name!r} is no id", expected="lower-case letters and digits, joined by hyphens")
    return name


def check_parts(parts: Sequence[object]) -> None:
    """Parts: of a known slot, of its abstract class, with nothing left abstract, none twice.

    Raises:
        PluginError: they are not.
    """
    seen: set[tuple[str, str]] = set()
    for part in parts:
        if not isinstance(part, PartSpec):
            raise PluginError("plic_register_parts must give PartSpec objects", got=repr(part))
        if part.slot not in (known := (*SLOTS, *TOOLS)):
            near = near_matches(str(part.slot), known)
            raise PluginError(f"there is no slot {part.slot!r}", expected=f"one of {', '.join(known)}", near=near)
        check_id(part.id)
        if (part.slot, part.id) in seen:
            raise PluginError(f"{part.slot} {part.id!r} is registered twice by the same plugin")
        seen.add((part.slot, part.id))
        base = _abstract_class(part.slot)
        if not inspect.isclass(part.cls) or not issubclass(part.cls, base):
            raise PluginError(f"{part.slot} {part.id!r} is no {base.__name__}", got=repr(part.cls))
        if missing := sorted(getattr(part.cls, "__abstractmethods__", ())):
            raise PluginError(f"{part.slot} {part.id!r} does not implement {', '.join(missing)}", got=repr(part.cls))


def check_importers(importers: Sequence[object]) -> None:
    """Instances of `plic.core.importing.Importer`, no id twice.

    Raises:
        PluginError: they are not.
    """
    if not importers:
        return
    from .importing import Importer  # imports torch, which a plugin without importers need not wait for

    names = []
    for importer in importers:
        if not isinstance(importer, Importer):
            hint = "give instances, not classes" if inspect.isclass(importer) else None
            raise PluginError("plic_register_importers must give Importer objects", got=repr(importer), hint=hint)
        names.append(check_id(importer.id))
    _check_once("importer", names)


def check_commands(commands: Sequence[object]) -> None:
    """Commands of click with names, none twice.

    Raises:
        PluginError: they are not.
    """
    if not commands:
        return
    import click

    names = []
    for command in commands:
        if not isinstance(command, click.Command):
            hint = "decorate the function with @click.command()" if callable(command) else None
            raise PluginError("plic_register_commands must give click commands", got=repr(command), hint=hint)
        names.append(check_id(command.name))
    _check_once("command", names)


def check_metrics(metrics: Sequence[object]) -> None:
    """`MetricSpec` with a function and a direction, no id twice.

    Raises:
        PluginError: they are not.
    """
    names = []
    for metric in metrics:
        if not isinstance(metric, MetricSpec):
            raise PluginError("plic_register_metrics must give MetricSpec objects", got=repr(metric))
        names.append(check_id(metric.id))
        if not callable(metric.function):
            raise PluginError(f"metric {metric.id!r} has no function", got=repr(metric.function))
        if metric.better not in get_args(Better):
            expected = " or ".join(map(repr, get_args(Better)))
            raise PluginError(f"metric {metric.id!r} has no direction", got=repr(metric.better), expected=expected)
        if not (isinstance(metric.unit, str) and isinstance(metric.title, str)):
            got = f"unit {metric.unit!r}, title {metric.title!r}"
            raise PluginError(f"unit and title of metric {metric.id!r} must be text", got=got)
    _check_once("metric", names)


def check_callbacks(callbacks: Sequence[object]) -> None:
    """Subclasses of `Callback` that can be constructed without arguments, no id twice.

    Raises:
        PluginError: they are not.
    """
    names = []
    for callback in callbacks:
        if not (inspect.isclass(callback) and issubclass(callback, Callback)):
            hint = "give the class, not an instance" if isinstance(callback, Callback) else None
            raise PluginError("plic_register_callbacks must give subclasses of Callback", got=repr(callback), hint=hint)
        names.append(check_id(getattr(callback, "id", None)))
        needed = [p.name for p in inspect.signature(callback).parameters.values() if _must_be_given(p)]
        if needed:
            raise PluginError(
                f"callback {callback.id!r} cannot be made without arguments",
                got=f"parameters {', '.join(needed)}",
                expected="a constructor whose parameters all have defaults",
            )
    _check_once("callback", names)


def check_folders(folders: Iterable[Path], what: str) -> None:
    """Absolute paths of folders.

    Raises:
        PluginError: they are not.
    """
    for folder in folders:
        if not (folder.is_absolute() and folder.is_dir()):
            raise PluginError(f"a folder of {what} must be an absolute path of a folder", got=folder)


def check_files(files: Iterable[Path], what: str) -> None:
    """Absolute paths of files.

    Raises:
        PluginError: they are not.
    """
    for file in files:
        if not (file.is_absolute() and file.is_file()):
            raise PluginError(f"a file of {what} must be an absolute path of a file", got=file)


def _check_once(kind: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise PluginError(f"{kind} {name!r} is registered twice by the same plugin")


def _must_be_given(parameter: inspect.Parameter) -> bool:
    variable = (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and parameter.kind not in variable


def _abstract_class(slot: str) -> type[Any]:
    """`SideInformation` of the file ``side_information.py``, and so on."""
    module = import_module(f".slots.{slot}", __package__)
    base: type[Any] = getattr(module, slot.title().replace("_", ""))
    return base
