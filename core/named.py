"""What plugins provide by name: one provider each, and an error that says why it is not so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from .errors import PluginError, UnknownName, near_matches

if TYPE_CHECKING:
    from .plugins import Plugin

T = TypeVar("T")


class Named(Generic[T]):
    """Things of one kind by name, with the plugins that provide them.

    Args:
        kind: what they are, for messages: ``importer``.
        found: plugin, name and thing, in the order of the plugins.
    """

    def __init__(self, kind: str, found: Iterable[tuple[Plugin, str, T]]) -> None:
        self.kind = kind
        self._found: dict[str, list[tuple[Plugin, T]]] = {}
        for plugin, name, thing in found:
            self._found.setdefault(name, []).append((plugin, thing))

    @property
    def names(self) -> list[str]:
        """All names, sorted; one with two providers is among them."""
        return sorted(self._found)

    @property
    def providers(self) -> dict[str, str]:
        """Who provides each, by name in sorted order; several are joined."""
        return {name: " and ".join(plugin.provider for plugin, _ in self._found[name]) for name in self.names}

    @property
    def conflicts(self) -> list[PluginError]:
        """What `get` raises for each name that has two providers."""
        return [self._conflict(name) for name in self.names if len(self._found[name]) > 1]

    def get(self, name: str, failed: Sequence[Plugin] = ()) -> T:
        """The thing of a name.

        Args:
            name: what is looked for.
            failed: plugins that could not be loaded and may have provided it, for the message.

        Raises:
            UnknownName: there is none; the message names near ones.
            PluginError: two plugins provide it.
        """
        found = self._found.get(name, [])
        if len(found) > 1:
            raise self._conflict(name)
        if not found:
            hints = [f"`plic plugins` lists every {self.kind}", *map(may_provide, failed)]
            raise UnknownName(
                f"no {self.kind} is called {name!r}",
                expected=f"one of {', '.join(self.names) or '(none registered)'}",
                near=near_matches(name, self.names),
                hint="; ".join(hints),
            )
        return found[0][1]

    def _conflict(self, name: str) -> PluginError:
        return duplicate(f"{self.kind} {name!r}", [plugin for plugin, _ in self._found[name]])


def may_provide(plugin: Plugin) -> str:
    """That a plugin which failed to load may provide what is missing, as half a sentence."""
    return f"{plugin.provider} failed to load and may provide it ({plugin.reason}); see `plic plugins`"


def duplicate(what: str, plugins: Sequence[Plugin]) -> PluginError:
    """What to raise for something that two plugins provide."""
    last = [plugin for plugin in plugins if not plugin.builtin][-1]
    return PluginError(
        f"{what} is provided by {len(plugins)} plugins, so it is not clear which one is meant",
        got=", ".join(plugin.provider for plugin in plugins),
        expected="one provider",
        hint=f"pip uninstall {last.distribution}, or set PLIC_DISABLE_PLUGINS={last.name}",
    )
