"""From a name or a file to a checked `Recipe`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import RecipeError, UnknownName, near_matches
from ..exact import ExactSums
from ..registry import SLOTS, Registry, default_registry
from .build import check_chain
from .find import find_recipe, registry_beside
from .model import PartChoice, Recipe
from .requirements import check_requirements
from .schema import DEFAULTS, FORMAT, KEYS, OPTIONAL, TEXTS, settings_model, settings_of, training_only, validate
from .training import TrainingSettings
from .yaml_source import Source, parse_yaml, read_yaml

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
SECTIONS = (*SLOTS, "training", "requires")


def load_recipe(
    name_or_path: str | Path, overrides: Mapping[str, Any] | None = None, registry: Registry | None = None
) -> Recipe:
    """Load and check a recipe.

    Args:
        name_or_path: a name (looked up in plic's own recipes, then in those of plugins), or the path of a file that
            ends in ``.yaml`` or ``.yml``.
        overrides: changed values by ``slot.key``, e.g. ``{"head.use": "gaussian", "training.steps": 10}``; a whole
            slot may be given as a mapping, or as None to leave it empty.
        registry: where parts are looked up; that of the installation by default.

    Raises:
        UnknownName: no such recipe or part.
        RecipeError: it does not validate; file and line are in the message.
        IncompatibleParts: two of its parts do not fit; both are named, with the reason.
        PluginError: a plugin that it needs is missing or broken.
    """
    registry = registry_beside(name_or_path, registry or default_registry())
    source = _with_parents(find_recipe(str(name_or_path), registry), registry, ())
    recipe = _checked(_merge(source, _as_source(overrides or {})), registry)
    check_chain(recipe, registry)
    return recipe


def recipe_from_text(text: str, origin: str, registry: Registry | None = None) -> Recipe:
    """A recipe from resolved YAML text, for instance out of a weights file; ``origin`` names it in messages.

    It keeps the settings that the text states and no others: what a part learned to take after the text was written
    is left to the part's defaults, so that weights keep their fingerprint, and streams their decoder.

    Raises:
        RecipeError: as `load_recipe`.
        PluginError: as `load_recipe`.
    """
    source = parse_yaml(text, origin)
    _check_keys(source)
    if source.data.get("extends") is not None:
        raise RecipeError(
            f"{source.where('extends')}: a resolved recipe extends nothing", got=repr(source.data["extends"])
        )
    return _checked(_merge(Source(DEFAULTS, "defaults"), source), registry or default_registry(), defaults=False)


def _checked(source: Source, registry: Registry, defaults: bool = True) -> Recipe:
    _check_top_level(source)
    requires = check_requirements(source.data.get("requires") or {}, source, registry)
    slots = {slot: _choice(slot, source, registry, defaults) for slot in SLOTS}
    return Recipe(
        **slots,  # type: ignore[arg-type]
        **{key: source.data[key] for key in ("name", "title", "paper", "notes") if source.data.get(key) is not None},
        tile=_tile(source),
        channel_means=_channel_means(source),
        exact_sums=_exact_sums(source),
        training=_training(source),
        requires=requires,
        source=Path(source.origin),
    )


def _with_parents(path: Path, registry: Registry, chain: tuple[Path, ...]) -> Source:
    """The file, merged into what it extends."""
    source = read_yaml(path)
    _check_keys(source)
    chain = (*chain, path.resolve())
    parent = source.data.get("extends")
    if parent is None:
        return _merge(Source(DEFAULTS, "defaults"), source)
    where = source.where("extends")
    if not isinstance(parent, str):
        raise RecipeError(f"{where}: extends takes the name of one recipe", got=repr(parent))
    parent_path = find_recipe(parent, registry, where, path.parent)
    if parent_path.resolve() in chain:
        names = " -> ".join(step.stem for step in (*chain, parent_path))
        raise RecipeError(f"{where}: recipes extend one another in a circle", got=names)
    return _merge(_with_parents(parent_path, registry, chain), source)


def _check_keys(source: Source) -> None:
    """What holds for every file, whether it extends another or not."""
    for key in source.data:
        if key not in KEYS:
            raise RecipeError(
                f"{source.where(key)}: a recipe has no key {key!r}",
                got=key,
                expected=f"one of {', '.join(KEYS)}",
                near=near_matches(key, KEYS),
            )
    if source.data.get("plic") != FORMAT:
        raise RecipeError(
            f"{source.where('plic')}: not a recipe of a format that this plic reads",
            got=f"plic: {source.data.get('plic')}",
            expected=f"plic: {FORMAT}",
        )
    if not source.data.get("name"):
        raise RecipeError(f"{source.origin}: the recipe has no name", expected="name: my-codec")


def _as_source(overrides: Mapping[str, Any]) -> Source:
    """Overrides as a source that a recipe can be merged with."""
    data: dict[str, Any] = {}
    marks: dict[tuple[str, ...], str] = {}
    for dotted, value in overrides.items():
        section, dot, key = dotted.partition(".")
        allowed = [key for key in KEYS if key not in ("plic", "extends")]
        if section not in allowed or (dot and section not in SECTIONS):
            raise RecipeError(
                f"--set {dotted}: a recipe has no {section!r} to set",
                got=section,
                expected=f"one of {', '.join(allowed)}",
                near=near_matches(section, allowed),
            )
        mark = f"--set {dotted}"
        marks.setdefault((section,), mark)
        if not dot:
            data[section] = value
        elif isinstance(inner := data.setdefault(section, {}), dict):
            inner[key] = value
            marks[section, key] = mark
        else:
            raise RecipeError(f"{mark}: {section} is also set as a whole", got=repr(inner))
    return Source(data, "--set", marks)


def _merge(base: Source, change: Source) -> Source:
    """``change`` on top of ``base``: a slot with another ``use`` is replaced, other mappings are merged."""
    data, marks = dict(base.data), dict(base.marks)
    for key, value in change.data.items():
        old = data.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and value.get("use", old.get("use")) == old.get("use"):
            data[key] = {**old, **value}
        else:
            data[key] = value
            marks = {path: mark for path, mark in marks.items() if path[:1] != (key,)}
        marks |= {path: mark for path, mark in change.marks.items() if path[:1] == (key,)}
    return Source(data, base.origin if change.origin == "--set" else change.origin, marks)


def _check_top_level(source: Source) -> None:
    for key in TEXTS:
        value = source.data.get(key)
        if value is not None and not isinstance(value, str):
            hint = "put it in quotes: it looks like something else"
            raise RecipeError(f"{source.where(key)}: {key} must be text", got=repr(value), hint=hint)
    if not NAME.fullmatch(source.data["name"]):
        raise RecipeError(
            f"{source.where('name')}: not a name that a stream can carry",
            got=repr(source.data["name"]),
            expected="up to 64 lower-case letters, digits and hyphens",
        )
    for key in SECTIONS:
        value = source.data.get(key)
        if value is not None and not isinstance(value, dict):
            expected = f"{key}: {{use: ..., setting: value}}" if key in SLOTS else "a mapping"
            raise RecipeError(f"{source.where(key)}: {key} must be a mapping", got=repr(value), expected=expected)


def _choice(slot: str, source: Source, registry: Registry, defaults: bool) -> PartChoice | None:
    values = source.data.get(slot)
    if values is None:
        if slot in OPTIONAL:
            return None
        raise RecipeError(
            f"{source.where(slot)}: the slot {slot} is empty",
            expected=f"{slot}: {{use: ID}}, where ID is one of {', '.join(registry.ids(slot))}",
        )
    settings = dict(values)
    part = settings.pop("use", None)
    if not isinstance(part, str):
        raise RecipeError(
            f"{source.where(slot, 'use')}: {slot} does not say which part to use",
            got=repr(part),
            expected=f"use: one of {', '.join(registry.ids(slot))}",
        )
    try:
        model = settings_model(slot, part, registry)
    except UnknownName as error:
        raise error.at(source.where(slot, "use"), part) from error.__cause__
    checked = settings_of(validate(model, settings, source, slot, f"{slot} {part!r}"), defaults)
    return PartChoice(slot, part, checked, training_only(slot, part, registry))


def _tile(source: Source) -> int | None:
    value = source.data.get("tile")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise RecipeError(
        f"{source.where('tile')}: not a size of pieces", got=repr(value), expected="a number of latent sites above 0"
    )


def _channel_means(source: Source) -> bool:
    value = source.data.get("channel_means")
    if value is None or isinstance(value, bool):
        return bool(value)
    where = source.where("channel_means")
    raise RecipeError(f"{where}: channel_means is no yes or no", got=repr(value), expected="true or false")


def _exact_sums(source: Source) -> ExactSums:
    value, known = source.data.get("exact_sums"), [one.value for one in ExactSums]
    if value is None:
        return ExactSums.DOUBLE
    if value not in known:
        raise RecipeError(
            f"{source.where('exact_sums')}: no numbers that sums are held in",
            got=repr(value),
            expected=" or ".join(known),
            near=near_matches(str(value), known),
        )
    return ExactSums(value)


def _training(source: Source) -> TrainingSettings:
    values = source.data.get("training")
    if values is None:
        raise RecipeError(
            f"{source.origin}: the recipe does not say how it is trained",
            expected="training: {lambdas: [0.01], ...}",
            hint="a codec that nobody can train again is not a recipe; add a training section",
        )
    checked = validate(TrainingSettings, values, source, "training", "training")
    return TrainingSettings.model_validate(checked)
