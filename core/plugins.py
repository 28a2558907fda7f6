"""Loading plugins, each in isolation.

A plugin is a distribution with an entry point in the group ``plic`` (or ``plic.commands``, for commands) that names a
module (or object) with hook implementations and ``PLIC_API``. One that is broken is recorded together with its
traceback and harms nobody else.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from . import hookspecs
from .asking import answers_of
from .errors import PluginError
from .registry import PartSpec, canonical

if TYPE_CHECKING:
    import click

    from .callback import Callback
    from .importing import Importer
    from .metric import MetricSpec
    from .probability import Family

BUILTIN = f"{__package__.rpartition('.')[0]}.plugins.builtin"
"""The one module outside core that core names: the built-in parts, which come in through the same hooks."""

LOADERS = (f"{__package__}.", "importlib.", "pluggy.")
"""Modules that stand between plic and a plugin's code."""


@dataclass(frozen=True)
class Plugin:
    """One plugin: loaded, failed or disabled.

    Attributes:
        name: of the entry point.
        distribution: that it belongs to.
        version: of the distribution.
        target: what the entry point names, ``module`` or ``module:object``.
        api: version of the hooks that it was written for; None if it states none or could not be imported.
        parts: that it registers; empty unless it was loaded.
        recipe_folders: that it registers.
        importers: that it registers.
        anchor_files: that it registers; they are read where anchors are asked for.
        catalogue_files: that it registers; they are read where the catalogue is put together.
        commands: that it registers.
        families: that it registers, read from their files.
        metrics: that it registers.
        callbacks: that it registers.
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
    catalogue_files: tuple[Path, ...] = ()
    commands: tuple[click.Command, ...] = ()
    families: tuple[Family, ...] = ()
    metrics: tuple[MetricSpec, ...] = ()
    callbacks: tuple[type[Callback], ...] = ()
    api: int | None = None
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
    builtin = _Entry(Plugin("builtin", "plic", "", BUILTIN), lambda: import_module(BUILTIN), (hookspecs.PROJECT,))
    return [_load(entry, entry.groups, environ) for entry in (builtin, *_installed())]


def load_commands(environ: Mapping[str, str] = os.environ) -> list[Plugin]:
    """Plugins with commands, and these alone: `plic --help` waits neither for built-in parts nor for those of plugins.

    Args:
        environ: as for `load_plugins`.

    Returns:
        Plugins, sorted as by `load_plugins`; none is built in. Whatever is wrong with one is recorded in it.
    """
    group = hookspecs.COMMANDS
    return [_load(entry, (group,), environ) for entry in _installed() if group in entry.groups]


def installed_plugins() -> list[Plugin]:
    """Every installed plugin by name, sorted; nothing of it is imported."""
    return [entry.plugin for entry in _installed()]


@dataclass(frozen=True)
class _Entry:
    """What a distribution's entry points name, and in which groups they name it."""

    plugin: Plugin
    load: Callable[[], Any]
    groups: tuple[str, ...]


def _installed() -> list[_Entry]:
    found: dict[tuple[str, str], _Entry] = {}
    for group in (hookspecs.PROJECT, hookspecs.COMMANDS):
        for point in entry_points(group=group):
            if point.value == BUILTIN:
                continue
            name, version = point.name, "(version unknown)"
            if point.dist is not None:  # its metadata may be damaged
                name, version = point.dist.name or name, point.dist.version or version
            new = _Entry(Plugin(point.name, name, version, point.value), point.load, ())
            entry = found.get((name, point.value), new)
            found[name, point.value] = replace(entry, groups=(*entry.groups, group))
    return sorted(found.values(), key=lambda entry: (entry.plugin.distribution, entry.plugin.name))


def _load(entry: _Entry, groups: tuple[str, ...], environ: Mapping[str, str]) -> Plugin:
    """Import a plugin, and ask it for what belongs to some of the groups that name it."""
    start = time.perf_counter()
    plugin = entry.plugin
    disabled = {canonical(name.strip()) for name in environ.get("PLIC_DISABLE_PLUGINS", "").split(",")}
    try:
        if not plugin.builtin and disabled & {canonical(plugin.name), canonical(plugin.distribution)}:
            plugin = replace(plugin, disabled=True)
        else:
            module = entry.load()
            stated = getattr(module, "PLIC_API", None)
            plugin = replace(plugin, api=stated if isinstance(stated, int) else None)
            _check_api(stated)
            plugin = replace(plugin, **answers_of(_hooks_of(plugin, module), entry.groups, groups))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may even call sys.exit() when imported
        plugin = replace(plugin, error=error, traceback=_traceback(error))
    plugin = replace(plugin, seconds=time.perf_counter() - start)
    if environ.get("PLIC_TRACE_PLUGINS", "") not in ("", "0"):
        _trace(plugin)
    return plugin


def _hooks_of(plugin: Plugin, module: object) -> pluggy.HookRelay:
    """What asks this plugin only, through a manager of its own."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module, name=plugin.name)
    manager.check_pending()
    return manager.hook


def _check_api(stated: object) -> None:
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


def _traceback(error: BaseException) -> str:
    """From the plugin's own code on: what led there is the same for all. What plic refuses has its message alone."""
    frames = error.__traceback__
    while frames is not None and f"{frames.tb_frame.f_globals.get('__name__', '')}.".startswith(LOADERS):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames)).rstrip()


def _trace(plugin: Plugin) -> None:
    what = plugin.reason or f"{len(plugin.parts)} parts, {len(plugin.commands)} commands"
    line = f"plic: plugin {plugin.name} [{plugin.provider}] {plugin.target}: {plugin.status}"
    print(f"{line} in {plugin.seconds * 1000:.0f} ms, {what}", file=sys.stderr)
