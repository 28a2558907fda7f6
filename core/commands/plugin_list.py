"""``plic plugins``: what is installed, what it provides, how long it takes, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from string import digits
from typing import TYPE_CHECKING, Any

from ..errors import PlicError
from ..hookspecs import API_VERSION
from ..named import Named
from ..registry import SLOTS, TOOLS, Registry, default_registry

if TYPE_CHECKING:
    from ..plugins import Plugin

NOTABLE = 0.1
"""Seconds that `plic --help` may wait for a plugin before the list says so."""

FEW = 4
"""Names that differ in their last number only and are more than this become a range in the list, not in JSON."""

KINDS = ("parts", "families", "recipes", "importers", "anchors", "catalogues", "commands", "metrics", "callbacks")
"""What a plugin may provide, by the keys under which its facts have it."""


def plugin_facts(
    registry: Registry | None = None, alone: Sequence[Plugin] = (), own_commands: Collection[str] = ()
) -> dict[str, Any]:
    """Plugins, what they provide, conflicts and faults, as plain values.

    Args:
        registry: of the plugins; that of the installation by default.
        alone: plugins with commands, as `plic.core.plugins.load_commands` gave them before anything else was imported:
            that time is what `plic --help` waits for.
        own_commands: names of plic's own commands.
    """
    registry = registry or default_registry()
    seconds = {(plugin.distribution, plugin.target): plugin.seconds for plugin in alone}
    plugins = [_facts(plugin) for plugin in registry.plugins]
    for facts in plugins:
        facts["help_seconds"] = round(seconds.get((facts["distribution"], facts["target"]), 0.0), 3)
    reads = {one.id: one.reads for plugin in registry.plugins for one in plugin.importers}
    metrics = {one.id: one for plugin in registry.plugins for one in plugin.metrics}
    about = {one.id: one.about for plugin in registry.plugins for one in plugin.callbacks}
    commands = Named("command", ((by, one.name or "", one) for by in registry.plugins for one in by.commands))
    return {
        "api": API_VERSION,
        "plugins": plugins,
        "parts": {slot: {part: registry.provider(slot, part) for part in registry.ids(slot)} for slot in _slots()},
        "importers": {name: {"provider": by, "reads": reads[name]} for name, by in registry.importers.items()},
        "families": {name: {"provider": by} for name, by in registry.families.items()},
        "commands": {name: {"provider": by} for name, by in commands.providers.items()},
        "metrics": {
            name: {"provider": by, "better": metrics[name].better, "unit": metrics[name].unit}
            for name, by in registry.metrics.items()
        },
        "callbacks": {name: {"provider": by, "about": about[name]} for name, by in registry.callbacks.items()},
        "conflicts": [
            *(str(error) for error in (*registry.conflicts, *commands.conflicts)),
            *_hidden(commands, own_commands),
        ],
        "faults": [str(error) for error in part_faults(registry)],
    }


def part_faults(registry: Registry) -> Iterator[PlicError]:
    """Why parts of plugins cannot be named in any recipe: their constructors do not describe their settings."""
    from ..recipe.schema import training_only

    for plugin in registry.plugins:
        for part in () if plugin.builtin else plugin.parts:
            try:
                training_only(part.slot, part.id, registry)
            except PlicError as error:
                if str(error) not in {str(conflict) for conflict in registry.conflicts}:
                    yield error


def plugin_lines(facts: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """The same for people: titles, and rows of a table under each."""
    yield f"hooks: version {facts['api']}", []
    for plugin in facts["plugins"]:
        yield _headline(plugin), [(f"    {line}",) for line in (*_provided(plugin), *plugin["traceback"].splitlines())]
    for kind in ("conflict", "fault"):
        for text in facts[f"{kind}s"]:
            yield f"{kind:9}{text}", []
    for slot, parts in facts["parts"].items():
        yield f"\n{slot}", [(f"  {part}", provider) for part, provider in parts.items()]
    yield "\nimporters", [(f"  {name}", one["provider"], one["reads"]) for name, one in facts["importers"].items()]
    owned = _by_provider(facts["families"])
    families: list[tuple[str, ...]] = [(f"  {names}", by) for by, mine in owned for names in _short(mine)]
    if families:
        yield "\nfamilies", families
    for kind, columns in (
        ("commands", ()),
        ("metrics", ("better", "unit")),
        ("callbacks", ("about",)),
    ):
        rows = [(f"  {name}", one["provider"], *(one[key] for key in columns)) for name, one in facts[kind].items()]
        if rows:
            yield f"\n{kind}", rows


def _facts(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "provider": plugin.provider,
        "builtin": plugin.builtin,
        "target": plugin.target,
        "status": plugin.status,
        "api": plugin.api,
        "seconds": round(plugin.seconds, 3),
        "parts": [f"{part.slot}/{part.id}" for part in plugin.parts],
        "recipes": [str(folder) for folder in plugin.recipe_folders],
        "importers": [importer.id for importer in plugin.importers],
        "anchors": [str(file) for file in plugin.anchor_files],
        "catalogues": [str(file) for file in plugin.catalogue_files],
        "families": [family.name for family in plugin.families],
        "commands": [command.name for command in plugin.commands],
        "metrics": [metric.id for metric in plugin.metrics],
        "callbacks": [callback.id for callback in plugin.callbacks],
        "reason": plugin.reason,
        "traceback": plugin.traceback,
    }


def _headline(plugin: dict[str, Any]) -> str:
    line = f"{plugin['status']:9}{plugin['provider']}: {plugin['name']} ({plugin['target']})"
    if plugin["status"] == "disabled":
        return line
    api = "" if plugin["api"] is None else f", written for hooks {plugin['api']}"
    waits = plugin["help_seconds"]
    alone = f", {waits:.1f} s of every `plic --help`" if waits > NOTABLE else ""
    return f"{line}{api}, {1000 * plugin['seconds']:.0f} ms{alone}"


def _provided(plugin: dict[str, Any]) -> list[str]:
    """What a plugin of somebody else provides, one line for each kind; the built-in parts are listed by slot anyway."""
    if plugin["builtin"]:
        return []
    return [f"{kind}: {', '.join(_short(plugin[kind]))}" for kind in KINDS if plugin[kind]]


def _by_provider(named: dict[str, dict[str, Any]]) -> list[tuple[str, list[str]]]:
    names: dict[str, list[str]] = {}
    for name, one in named.items():
        names.setdefault(one["provider"], []).append(name)
    return sorted(names.items())


def _short(names: Sequence[str]) -> list[str]:
    """Names, those of a long series (``t-1, t-2, ...``) as its first, its last and their number."""
    series: dict[str, list[str]] = {}
    for name in names:
        series.setdefault(name.rstrip(digits), []).append(name)
    short: list[str] = []
    for stem, alike in series.items():
        alike.sort(key=lambda name: int(name.removeprefix(stem) or -1))
        short += [f"{alike[0]} ... {alike[-1]} ({len(alike)})"] if len(alike) > FEW else alike
    return short


def _hidden(commands: Named[Any], own: Collection[str]) -> Iterator[str]:
    for name, provider in commands.providers.items():
        if name in own:
            yield f"command {name!r} of {provider} is never reached: plic has one of that name"


def _slots() -> tuple[str, ...]:
    return (*SLOTS, *TOOLS)
