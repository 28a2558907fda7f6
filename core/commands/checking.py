"""``plic plugin check``: what an installed plugin promises, and whether it holds."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from ..errors import PlicError, PluginError, UnknownName, missing_package, near_matches
from ..plugins import Plugin
from ..recipe import load_recipe
from ..recipe.schema import settings_model
from ..registry import PartSpec, Registry, canonical, default_registry
from .trying import Row, try_parts

Show = Callable[[str], None]


@dataclass(frozen=True)
class PartFacts:
    """One registered part.

    Attributes:
        slot: that it fills.
        id: in recipes.
        cls: name of its class.
        settings: the keyword-only parameters of its constructor, as they are written there.
        schema: the same as JSON Schema; empty if they do not describe themselves, and the part is not tried then.
        problem: why recipes cannot use it; empty if they can.
    """

    slot: str
    id: str
    cls: str
    settings: tuple[str, ...]
    schema: dict[str, Any]
    problem: str


@dataclass
class Checked:
    """What was found out about one distribution.

    Attributes:
        distribution: its name and version.
        plugins: name, target, status, version of the hooks and seconds of loading of each of its entry points.
        problems: beside those of single parts: tracebacks, recipes that do not load, contracts that cannot be run.
        parts: that it registers.
        rows: one for each contract and each way of trying a part.
    """

    distribution: str
    plugins: list[dict[str, Any]]
    problems: list[str] = field(default_factory=list)
    parts: list[PartFacts] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        broken = any(row.outcome == "broken" for row in self.rows)
        return not broken and not self.problems and not any(part.problem for part in self.parts)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "holds": self.holds}


def check_plugins(
    names: Sequence[str] = (),
    *,
    settings: Sequence[str] = (),
    examples: int | None = None,
    show: Show = lambda line: None,
    width: int = 1_000_000,
    registry: Registry | None = None,
) -> list[Checked]:
    """Check installed plugins, those with plic excepted.

    Args:
        names: distributions; all of them if empty.
        settings: ``slot.id.key=value``, to try a part with, instead of as its distribution says.
        examples: tries of each property; each contract's own number if None.
        show: receives the report, line by line, while it is being made.
        width: columns that each line has room for.
        registry: knows the plugins.

    Raises:
        PluginError: the conformance kit is not installed, or settings are malformed.
        UnknownName: no plugin is called that.
    """
    registry = registry or default_registry()
    chosen = _chosen(names, registry)
    given = _settings(settings, [spec for plugins in chosen.values() for plugin in plugins for spec in plugin.parts])
    for module in ("pytest", "hypothesis"):
        if find_spec(module) is None:
            raise missing_package(f"checking plugins needs {module}", "testing")
    found = [_check(plugins, registry, given, examples, bool(names), show, width) for plugins in chosen.values()]
    if not found:
        show("no plugins are installed beside plic's own; `plic plugin new` begins one")
    return found


def _chosen(names: Sequence[str], registry: Registry) -> dict[str, list[Plugin]]:
    """Plugins by the canonical name of their distribution."""
    installed: dict[str, list[Plugin]] = {}
    for plugin in registry.plugins:
        if not plugin.builtin:
            installed.setdefault(canonical(plugin.distribution), []).append(plugin)
    for name in names:
        if canonical(name) not in installed:
            raise UnknownName(
                f"no plugin of a distribution {name!r} is installed",
                expected=f"one of {', '.join(installed) or '(none installed)'}",
                near=near_matches(canonical(name), installed),
                hint="pip install it first; `plic plugins` lists what is installed",
            )
    return {name: installed[name] for name in dict.fromkeys(map(canonical, names))} if names else installed


def _settings(given: Iterable[str], parts: Sequence[PartSpec]) -> dict[str, dict[str, Any]]:
    """Settings by ``slot.id``."""
    known = sorted({f"{spec.slot}.{spec.id}" for spec in parts})
    found: dict[str, dict[str, Any]] = {}
    for text in given:
        path, equals, value = text.partition("=")
        part, _, key = path.rpartition(".")
        if not equals or part not in known:
            raise PluginError(
                f"--set {text} names no setting of a part that is checked",
                expected=f"SLOT.ID.KEY=VALUE, with SLOT.ID one of {', '.join(known) or '(no parts)'}",
                near=near_matches(part, known),
            )
        try:
            found.setdefault(part, {})[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise PluginError(f"the value of --set {text} is no YAML", got=str(error).splitlines()[0]) from error
    return found


def _check(
    plugins: Sequence[Plugin],
    registry: Registry,
    settings: dict[str, dict[str, Any]],
    examples: int | None,
    named: bool,
    show: Show,
    width: int,
) -> Checked:
    checked = Checked(plugins[0].provider, [_facts(plugin) for plugin in plugins])

    def problem(text: str) -> None:
        checked.problems.append(text)
        _show_problem(text, show)

    for plugin in plugins:
        api = "" if plugin.api is None else f", written for version {plugin.api} of the hooks"
        show(f"{plugin.provider}: {plugin.name} ({plugin.target}) {plugin.status}{api}")
        for text in _problems(plugin, registry, named):
            problem(text)
        for part in (_part(spec, plugin, registry) for spec in plugin.parts):
            checked.parts.append(part)
            _show_part(part, show)
    tried = [f"{part.slot}.{part.id}" for part in checked.parts if part.schema]
    if tried:
        for row in try_parts(canonical(plugins[0].distribution), tried, settings, examples, problem):
            if not checked.rows or row.trial != checked.rows[-1].trial:
                show(f"  {row.heading}")
            checked.rows.append(row)
            for line in row.lines(width - 4):
                show(f"    {line}")
    _show_sum(checked, show)
    return checked


def _facts(plugin: Plugin) -> dict[str, Any]:
    keys = ("name", "target", "status", "api", "reason", "traceback")
    return {key: getattr(plugin, key) for key in keys} | {"seconds": round(plugin.seconds, 3)}


def _problems(plugin: Plugin, registry: Registry, named: bool) -> Iterable[str]:
    """What is wrong with a plugin beside its parts."""
    if plugin.error is not None:
        yield f"it does not load\n{plugin.traceback}"
    if plugin.disabled and named:
        yield f"it is disabled, so nothing can be tried: take {plugin.name} out of PLIC_DISABLE_PLUGINS"
    for folder in plugin.recipe_folders:
        for path in sorted(Path(folder).glob("*.yaml")):
            try:
                load_recipe(path, registry=registry)
            except PlicError as error:
                yield f"recipe {path} does not load\n{error}"


def _part(spec: PartSpec, plugin: Plugin, registry: Registry) -> PartFacts:
    """A part, with its settings; ``problem`` says why it cannot be used."""
    schema: dict[str, Any] = {}
    problem = ""
    try:
        schema = settings_model(spec.slot, spec.id, Registry([plugin])).model_json_schema()
        registry.part(spec.slot, spec.id)  # refuses a part with two providers
    except PlicError as error:
        problem = str(error)
    return PartFacts(spec.slot, spec.id, spec.cls.__qualname__, _signature(spec.cls), schema, problem)


def _signature(cls: type[Any]) -> tuple[str, ...]:
    """The settings of a part as its constructor writes them: ``floor: float = 0.11``."""
    settings = [p for p in inspect.signature(cls).parameters.values() if p.kind is p.KEYWORD_ONLY]
    defaults = ("" if p.default is p.empty else f" = {p.default!r}" for p in settings)
    return tuple(f"{p.name}: {_annotation(p)}{default}" for p, default in zip(settings, defaults, strict=True))


def _annotation(parameter: inspect.Parameter) -> str:
    if parameter.annotation is inspect.Parameter.empty:
        return "(no annotation)"
    stated = parameter.annotation
    return stated if isinstance(stated, str) else inspect.formatannotation(stated)


def _show_part(part: PartFacts, show: Show) -> None:
    show(f"  {part.slot} {part.id}: {part.cls}")
    for setting in part.settings or ("no settings",):
        show(f"    {setting}")
    if part.problem:
        _show_problem(part.problem, show)


def _show_problem(text: str, show: Show) -> None:
    first, *rest = text.splitlines()
    show(f"  BROKEN   {first}")
    for line in rest:
        show(f"           {line}")


def _show_sum(checked: Checked, show: Show) -> None:
    """Closing lines of one distribution."""
    count = {outcome: sum(row.outcome == outcome for row in checked.rows) for outcome in ("holds", "broken", "skipped")}
    others = len(checked.problems) + sum(bool(part.problem) for part in checked.parts)
    words = [f"{count['holds']} of {len(checked.rows)} contracts hold" if checked.rows else "no contract was tried"]
    words += [f"{count['broken']} broken"] * bool(count["broken"])
    words += [f"{count['skipped']} could not be tried"] * bool(count["skipped"])
    words += [f"{others} {'problem' if others == 1 else 'problems'} beside"] * bool(others)
    show(f"{checked.distribution}: {', '.join(words)}")
