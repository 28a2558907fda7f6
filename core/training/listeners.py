"""Callbacks of plugins, called so that what they raise names the plugin and costs no training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ..callback import Callback, Moment
from ..errors import PluginError
from ..registry import Registry, default_registry
from .progress import Progress

T = TypeVar("T")


@dataclass(frozen=True)
class ChosenCallback:
    """A callback and the plugin that it comes from.

    Attributes:
        kind: as the plugin registered it; each model that is trained gets an instance of its own.
        provider: the distribution and its version.
    """

    kind: type[Callback]
    provider: str


def callbacks_named(names: Sequence[str], registry: Registry | None = None) -> tuple[ChosenCallback, ...]:
    """Callbacks of plugins by name, each once.

    Raises:
        UnknownName: there is no such callback.
        PluginError: two plugins provide it.
    """
    registry = registry or default_registry()
    return tuple(ChosenCallback(registry.callback(name), registry.callbacks[name]) for name in dict.fromkeys(names))


class Listeners:
    """The callbacks of one run.

    Args:
        chosen: they are made here, in the order in which they are told.
        moment: tells where the run stands.

    Raises:
        PluginError: from every method, if a callback raised an exception; the others are not told any more.
    """

    def __init__(self, chosen: Sequence[ChosenCallback], moment: Callable[[], Moment]) -> None:
        self._moment = moment
        self._callbacks = [(one, _told(one, "its constructor", one.kind)) for one in chosen]

    def start(self) -> None:
        """The run begins, or goes on."""
        for chosen, callback in self._callbacks:
            _told(chosen, "on_start", partial(callback.on_start, self._moment()))

    def log(self, progress: Progress) -> None:
        """A line of the log is written."""
        for chosen, callback in self._callbacks:
            _told(chosen, "on_log", partial(callback.on_log, self._moment(), progress))

    def checkpoint(self) -> None:
        """A checkpoint is written."""
        for chosen, callback in self._callbacks:
            _told(chosen, "on_checkpoint", partial(callback.on_checkpoint, self._moment()))

    def end(self) -> None:
        """The run is over, and its weights are written."""
        for chosen, callback in self._callbacks:
            _told(chosen, "on_end", partial(callback.on_end, self._moment()))


def _told(chosen: ChosenCallback, what: str, call: Callable[[], T]) -> T:
    try:
        return call()
    except Exception as error:
        raise PluginError(
            f"the callback {chosen.kind.id!r} of {chosen.provider} failed in {what}",
            got=f"{type(error).__name__}: {error}".splitlines()[0],
            hint="what is trained so far is saved: go on with --resume, without --callback or once it is mended; "
            "PLIC_DEBUG=1 shows the traceback",
        ) from error
