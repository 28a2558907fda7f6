"""Loading plugins, each in isolation.

A plugin is a distribution with an entry point in the group ``plic`` that names a module (or object) with hook
implementations and ``PLIC_API``. One that is broken is recorded together with its traceback and harms nobody else.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from . import hookspecs
from .errors import PluginError, near_matches
from .registry import SLOTS, TOOLS, PartSpec, canonical

if TYPE_CHECKING:
    from .importing import Importer

BUILTIN = f"{__package__.rpartition('.')[0]}.plugins.builtin"
"""The one module outside core that core names: the built-in parts, which come in through the same hooks."""

PART_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Plugin:
    """One plugin: loaded, failed or disabled.

    Attributes:
        name: of the entry point.
        distribution: that it belongs to.
        version: of the distribution.
        target: what the entry point names, ``module`` or ``module:object``.
        parts: that it registers; empty unless it was loaded.
        recipe_folders: that it registers.
        importers: that it registers.
        anchor_files: that it registers; they are read where anchors are asked for.
        disabled: by ``PLIC_DISABLE_PLUGINS``.
        error: what stopped it from loading.
        traceback: of ``error``, as text.
        seconds: that loading took.
    """

    name: str
    distribution: str
    version: str
    target: str
    parts: tuple[PartSpec, ...] = ()
    recipe_folders: tuple[Path, ...] = ()
    importers: tuple[Importer, ...] = ()
    anchor_files: tuple[Path, ...] = ()
    disabled: bool = False
    error: BaseException | None = None
    traceback: str = ""
    seconds: float = 0.0

    @property
    def builtin(self) -> bool:
        """Whether these are the parts that come with plic."""
        return self.target == BUILTIN

    @property
    def provider(self) -> str:
        """The distribution and its version, for people."""
        return "plic (built-in)" if self.builtin else f"{self.distribution} {self.version}"

    @property
    def status(self) -> str:
        """``loaded``, ``failed`` or ``disabled``."""
        return "disabled" if self.disabled else "failed" if self.error is not None else "loaded"

    @property
    def reason(self) -> str:
        """First line of what went wrong; empty for a plugin that was loaded."""
        if self.error is None:
            return ""
        return f"{type(self.error).__name__}: {self.error}".splitlines()[0]


def load_plugins(environ: Mapping[str, str] = os.environ) -> list[Plugin]:
    """The built-in parts and every installed plugin, sorted by distribution and name.

    Args:
        environ: where ``PLIC_DISABLE_PLUGINS`` (names of plugins or distributions, separated by commas) and
            ``PLIC_TRACE_PLUGINS`` (1: say on stderr what is loaded and how long it takes) are looked up.

    Returns:
        All plugins. Whatever is wrong with one of them is recorded in it; nothing is raised.
    """
    disabled = {canonical(name.strip()) for name in environ.get("PLIC_DISABLE_PLUGINS", "").split(",")}
    trace = environ.get("PLIC_TRACE_PLUGINS", "") not in ("", "0")
    builtin = Plugin("builtin", "plic", "", BUILTIN)
    plugins = [_load(builtin, lambda: import_module(BUILTIN), trace)]
    for plugin, entry in sorted(_installed(), key=lambda pair: (pair[0].distribution, pair[0].name)):
        if disabled & {canonical(plugin.name), canonical(plugin.distribution)}:
            plugins.append(replace(plugin, disabled=True))
            _trace(plugins[-1], trace)
        else:
            plugins.append(_load(plugin, entry.load, trace))
    return plugins


def _installed() -> Iterable[tuple[Plugin, EntryPoint]]:
    for entry in entry_points(group=hookspecs.PROJECT):
        if entry.value == BUILTIN:
            continue
        name, version = entry.name, "(version unknown)"
        if entry.dist is not None:  # its metadata may be damaged
            name, version = entry.dist.name or name, entry.dist.version or version
        yield Plugin(entry.name, name, version, entry.value), entry


def _load(plugin: Plugin, load: Callable[[], Any], trace: bool) -> Plugin:
    start = time.perf_counter()
    try:
        plugin = _register(plugin, load())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may even call sys.exit() when imported
        plugin = replace(plugin, error=error, traceback=_traceback(error))
    plugin = replace(plugin, seconds=time.perf_counter() - start)
    _trace(plugin, trace)
    return plugin


def _register(plugin: Plugin, module: object) -> Plugin:
    """Ask a plugin for what it provides, through a manager of its own."""
    _check_api(module)
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module, name=plugin.name)
    manager.check_pending()
    parts = [part for answer in manager.hook.plic_register_parts() for part in answer]
    folders = [Path(folder) for answer in manager.hook.plic_register_recipes() for folder in answer]
    importers = [importer for answer in manager.hook.plic_register_importers() for importer in answer]
    anchor_files = [Path(file) for answer in manager.hook.plic_register_anchors() for file in answer]
    _check_parts(parts)
    _check_importers(importers)
    for folder in folders:
        if not (folder.is_absolute() and folder.is_dir()):
            raise PluginError("a folder of recipes must be an absolute path of a folder", got=folder)
    for file in anchor_files:
        if not (file.is_absolute() and file.is_file()):
            raise PluginError("a file of anchors must be an absolute path of a file", got=file)
    return replace(
        plugin,
        parts=tuple(parts),
        recipe_folders=tuple(folders),
        importers=tuple(importers),
        anchor_files=tuple(anchor_files),
    )


def _check_api(module: object) -> None:
    stated = getattr(module, "PLIC_API", None)
    if stated is None:
        raise PluginError(
            "the plugin does not state the version of the hooks that it was written for",
            hint=f"add `PLIC_API = {hookspecs.API_VERSION}` next to its hook implementations",
        )
    if stated != hookspecs.API_VERSION:
        newer = isinstance(stated, int) and stated > hookspecs.API_VERSION
        raise PluginError(
            "the plugin was written for another version of the hooks",
            got=f"PLIC_API = {stated!r}",
            expected=f"PLIC_API = {hookspecs.API_VERSION}",
            hint="upgrade plic" if newer else "upgrade the plugin",
        )


def _check_parts(parts: Sequence[object]) -> None:
    seen: set[tuple[str, str]] = set()
    for part in parts:
        if not isinstance(part, PartSpec):
            raise PluginError("plic_register_parts must give PartSpec objects", got=repr(part))
        if part.slot not in (known := (*SLOTS, *TOOLS)):
            near = near_matches(str(part.slot), known)
            raise PluginError(f"there is no slot {part.slot!r}", expected=f"one of {', '.join(known)}", near=near)
        _check_id(part.id)
        if (part.slot, part.id) in seen:
            raise PluginError(f"{part.slot} {part.id!r} is registered twice by the same plugin")
        seen.add((part.slot, part.id))
        base = _abstract_class(part.slot)
        if not inspect.isclass(part.cls) or not issubclass(part.cls, base):
            raise PluginError(f"{part.slot} {part.id!r} is no {base.__name__}", got=repr(part.cls))
        if missing := sorted(getattr(part.cls, "__abstractmethods__", ())):
            raise PluginError(f"{part.slot} {part.id!r} does not implement {', '.join(missing)}", got=repr(part.cls))


def _check_importers(importers: Sequence[object]) -> None:
    if not importers:
        return
    from .importing import Importer  # imports torch, which a plugin without importers need not wait for

    seen: set[str] = set()
    for importer in importers:
        if not isinstance(importer, Importer):
            hint = "give instances, not classes" if inspect.isclass(importer) else None
            raise PluginError("plic_register_importers must give Importer objects", got=repr(importer), hint=hint)
        _check_id(importer.id)
        if importer.id in seen:
            raise PluginError(f"importer {importer.id!r} is registered twice by the same plugin")
        seen.add(importer.id)


def _check_id(name: str) -> None:
    if not PART_ID.fullmatch(name):
        raise PluginError(f"{name!r} is no id", expected="lower-case letters and digits, joined by hyphens")


def _abstract_class(slot: str) -> type[Any]:
    """`SideInformation` of the file ``side_information.py``, and so on."""
    module = import_module(f".slots.{slot}", __package__)
    base: type[Any] = getattr(module, slot.title().replace("_", ""))
    return base


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()


def _trace(plugin: Plugin, trace: bool) -> None:
    if trace:
        what = plugin.reason or f"{len(plugin.parts)} parts"
        line = f"plic: plugin {plugin.name} [{plugin.provider}] {plugin.target}: {plugin.status}"
        print(f"{line} in {plugin.seconds * 1000:.0f} ms, {what}", file=sys.stderr)
