"""Whose code is at fault: messages that name a plugin and its part instead of a bare traceback."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from .errors import PluginError

if TYPE_CHECKING:
    from .plugins import Plugin


def plugin_error(error: BaseException, plugins: Sequence[Plugin]) -> PluginError | None:
    """An error that names the plugin in whose code an exception was raised, or passed through.

    Args:
        error: anything that was raised.
        plugins: installed plugins; it is enough to know their names.

    Returns:
        None if no plugin's code had a part in it.
    """
    packages = {plugin.target.partition(":")[0].partition(".")[0]: plugin for plugin in plugins}
    packages.pop(__package__.partition(".")[0], None)
    frame = error.__traceback__
    found: tuple[Plugin, TracebackType] | None = None
    while frame is not None:
        module = str(frame.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if module in packages:
            found = packages[module], frame
        frame = frame.tb_next
    if found is None:
        return None
    plugin, frame = found
    code = frame.tb_frame.f_code
    what = "".join(traceback.format_exception_only(error)).strip()
    return PluginError(
        f"the plugin {plugin.provider} failed",
        got=f"{what} ({code.co_filename}, line {frame.tb_lineno}, in {code.co_name})",
        hint=f"{_check(plugin)}; PLIC_DEBUG=1 shows the whole traceback",
    )


def broken_promise(slot: str, part: object, method: str, got: str, expected: str) -> PluginError:
    """An error about a part that returned something else than its slot promises.

    Args:
        slot: that the part fills.
        part: the object that was called; its class says which part it is, and whose.
        method: that was called.
        got: what it returned.
        expected: what the slot promises.
    """
    cls = part if isinstance(part, type) else type(part)
    name, plugin = _owner(slot, cls)
    provider = plugin.provider if plugin is not None else f"module {cls.__module__}"
    if plugin is None or plugin.builtin:
        hint = "try the part against the contract of its slot, as docs/testing.md says"
    else:
        hint = _check(plugin)
    return PluginError(
        f"{slot} {name} of {provider} returns from {method}() what its slot does not promise",
        got=got,
        expected=expected,
        hint=hint,
    )


def _owner(slot: str, cls: type) -> tuple[str, Plugin | None]:
    """How recipes call a class, or else its own name, and the plugin that it comes from."""
    from .plugins import installed_plugins
    from .registry import default_registry

    for plugin in default_registry().plugins:
        for spec in plugin.parts:
            if (spec.slot, spec.cls) == (slot, cls):
                return repr(spec.id), plugin
    package = cls.__module__.partition(".")[0]
    mine = (one for one in installed_plugins() if one.target.partition(":")[0].partition(".")[0] == package)
    return cls.__qualname__, next(mine, None)


def _check(plugin: Plugin) -> str:
    name = plugin.distribution
    return f"`plic plugin check {name}` shows what else does not hold; tell the authors of {name}"
