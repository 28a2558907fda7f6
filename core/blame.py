"""Which plugin an unexpected exception comes from, so that its message can name it instead of a bare traceback."""

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
        hint=f"tell the authors of {plugin.distribution}; PLIC_DEBUG=1 shows the whole traceback",
    )
