"""Parts by slot and id, and who provides them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .catalogue import Catalogue, installed_catalogue
from .errors import PluginError, UnknownName, near_matches
from .named import Named, duplicate, may_provide

if TYPE_CHECKING:
    from .callback import Callback
    from .importing import Importer
    from .metric import MetricSpec
    from .plugins import Plugin
    from .probability import Family

SLOTS = (
    "transform",
    "rate",
    "side_information",
    "context",
    "schedule",
    "head",
    "quantizer",
    "coder",
    "distortion",
)
"""Names of the slots that a recipe fills, in the order of the chain."""

TOOLS = ("refiner",)
"""Names of the slots that no recipe fills: what is chosen there serves the encoder and leaves no trace in a stream."""


@dataclass(frozen=True)
class PartSpec:
    """One part that a plugin registers.

    Attributes:
        slot: name of the slot that it fills, one of `SLOTS` or `TOOLS`.
        id: what a recipe writes after ``use:``; lower-case letters, digits and hyphens.
        cls: the class, a concrete subclass of the slot's abstract class.
    """

    slot: str
    id: str
    cls: type[Any]


class Registry:
    """What the plugins provide. It holds no module-level state: several may exist side by side.

    Args:
        plugins: as `plic.core.plugins.load_plugins` returns them, broken and disabled ones included.
        catalogue: names the plugins that are known to provide a part that is missing here.
    """

    def __init__(self, plugins: Sequence[Plugin], catalogue: Catalogue | None = None) -> None:
        self.plugins = tuple(plugins)
        self.catalogue = catalogue or Catalogue()
        self._providers: dict[tuple[str, str], list[tuple[Plugin, type[Any]]]] = defaultdict(list)
        for plugin in self.plugins:
            for spec in plugin.parts:
                self._providers[spec.slot, spec.id].append((plugin, spec.cls))
        self._importers = Named("importer", ((by, one.id, one) for by in self.plugins for one in by.importers))
        self._families = Named("family", ((by, one.name, one) for by in self.plugins for one in by.families))
        self._metrics = Named("metric", ((by, one.id, one) for by in self.plugins for one in by.metrics))
        self._callbacks = Named("callback", ((by, one.id, one) for by in self.plugins for one in by.callbacks))

    @property
    def recipe_folders(self) -> list[Path]:
        """Folders with the recipes of plugins."""
        return [folder for plugin in self.plugins for folder in plugin.recipe_folders]

    @property
    def failed(self) -> list[Plugin]:
        """Plugins that could not be loaded."""
        return [plugin for plugin in self.plugins if plugin.error is not None]

    @property
    def conflicts(self) -> list[PluginError]:
        """What `part`, `importer`, `family`, `metric` and `callback` raise for each of them that has two providers."""
        owners = {f"{slot} {part!r}": [by for by, _ in found] for (slot, part), found in self._providers.items()}
        parts = [duplicate(what, owners[what]) for what in sorted(owners) if len(owners[what]) > 1]
        named = (self._importers, self._families, self._metrics, self._callbacks)
        return parts + [error for kind in named for error in kind.conflicts]

    def ids(self, slot: str) -> list[str]:
        """Registered ids of a slot, sorted; one with two providers is among them.

        Raises:
            UnknownName: there is no such slot.
        """
        if slot not in (known := (*SLOTS, *TOOLS)):
            raise UnknownName(
                f"there is no slot {slot!r}", expected=f"one of {', '.join(known)}", near=near_matches(slot, known)
            )
        return sorted(part for owner, part in self._providers if owner == slot)

    def part(self, slot: str, part: str) -> type[Any]:
        """The class of a part.

        Raises:
            UnknownName: no such slot or part; the message names near ones and, where known, a plugin to install.
            PluginError: two plugins provide the part, or the one that is known to provide it failed to load.
        """
        self.ids(slot)
        providers = self._providers.get((slot, part), [])
        if len(providers) == 1:
            return providers[0][1]
        if providers:
            raise duplicate(f"{slot} {part!r}", [plugin for plugin, _ in providers])
        self._refuse_failed(f"{slot} {part!r}", ["plic", *self.catalogue.providers_of(slot, part)])
        cause = self.failed[0].error if self.failed else None
        raise self._unknown(slot, part) from cause

    def provider(self, slot: str, part: str) -> str:
        """Who provides a part: ``plic (built-in)`` or a distribution and its version; several are joined."""
        return " and ".join(plugin.provider for plugin, _ in self._providers.get((slot, part), []))

    @property
    def importers(self) -> dict[str, str]:
        """Registered importers and who provides each."""
        return self._importers.providers

    def importer(self, name: str) -> Importer:
        """What reads another framework's checkpoints.

        Raises:
            UnknownName: there is no such importer.
            PluginError: two plugins provide it.
        """
        return self._importers.get(name, self.failed)

    @property
    def families(self) -> dict[str, str]:
        """Probability families of plugins and who provides each."""
        return self._families.providers

    def family(self, name: str) -> Family:
        """A probability family of a plugin; errors as for `importer`."""
        return self._families.get(name, self.failed)

    @property
    def metrics(self) -> dict[str, str]:
        """Metrics of plugins and who provides each."""
        return self._metrics.providers

    def metric(self, name: str) -> MetricSpec:
        """A metric of a plugin; errors as for `importer`."""
        return self._metrics.get(name, self.failed)

    @property
    def callbacks(self) -> dict[str, str]:
        """Training callbacks and who provides each."""
        return self._callbacks.providers

    def callback(self, name: str) -> type[Callback]:
        """The class of a training callback; errors as for `importer`."""
        return self._callbacks.get(name, self.failed)

    def require_loaded(self, distribution: str) -> None:
        """Refuse a distribution whose plugin failed to load or was disabled.

        Raises:
            PluginError: with the original traceback.
        """
        self._refuse_failed("the recipe", [distribution])

    def _refuse_failed(self, what: str, distributions: Iterable[str]) -> None:
        wanted = {canonical(name) for name in distributions}
        for plugin in self.plugins:
            if canonical(plugin.distribution) not in wanted:
                continue
            if plugin.error is not None:
                raise PluginError(
                    f"{what} needs the plugin {plugin.provider}, which failed to load\n\n{plugin.traceback}",
                    hint=f"mend or reinstall it: pip install --force-reinstall {plugin.distribution}",
                ) from plugin.error
            if plugin.disabled:
                raise PluginError(
                    f"{what} needs the plugin {plugin.provider}, which is disabled",
                    hint=f"take {plugin.name} out of PLIC_DISABLE_PLUGINS",
                )

    def _unknown(self, slot: str, part: str) -> UnknownName:
        known = self.catalogue
        hints = [f"{name} provides it: {known.install_line(name)}" for name in known.providers_of(slot, part)]
        hints += map(may_provide, self.failed)
        return UnknownName(
            f"no {slot} is called {part!r}",
            expected=f"one of {', '.join(self.ids(slot)) or '(none registered)'}",
            near=near_matches(part, self.ids(slot)),
            hint=";\n            or ".join(hints) or "`plic plugins` lists every part",
        )


def canonical(distribution: str) -> str:
    """A distribution's name as package indexes compare it."""
    return distribution.lower().replace("_", "-").replace(".", "-")


@cache
def default_registry() -> Registry:
    """The registry of this installation: built-in parts, installed plugins and the catalogue of both, loaded once.

    Raises:
        PlicError: a catalogue of the user's is malformed.
    """
    from .plugins import load_plugins

    plugins = load_plugins()
    return Registry(plugins, installed_catalogue(plugins))
