"""From combinations to recipes: each cell is a recipe, and combinations that amount to the same share one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import PlicError
from ..recipe import Recipe, load_recipe
from ..recipe.schema import settings_model
from ..registry import SLOTS, Registry
from .design import Variant
from .swaps import Swap

TEXTS = ("title", "paper", "notes", "requires")
"""Keys of a resolved recipe that neither training nor coding looks at."""


@dataclass(frozen=True)
class Cell:
    """A recipe of the study.

    Attributes:
        label: of the first combination that amounts to it.
        variants: all such combinations, at least one.
        recipe: None where it cannot be built.
        failure: why it cannot; empty otherwise.
    """

    label: str
    variants: tuple[Variant, ...]
    recipe: Recipe | None
    failure: str = ""

    @property
    def is_base(self) -> bool:
        """Whether it is what the others are compared with."""
        return any(variant.is_base for variant in self.variants)

    @property
    def also(self) -> tuple[str, ...]:
        """Labels of the further combinations that amount to the same."""
        return tuple(variant.label for variant in self.variants[1:])


@dataclass(frozen=True)
class Base:
    """What is changed: a recipe by name and the settings that all cells have in common.

    Attributes:
        name: of the recipe, or its path.
        common: overrides as `plic.core.recipe.load_recipe` takes them.
        recipe: the two together, loaded.
    """

    name: str
    common: Mapping[str, Any]
    recipe: Recipe

    @classmethod
    def load(cls, name: str, common: Mapping[str, Any], registry: Registry) -> Base:
        """Load the recipe.

        Raises:
            PlicError: it does not load.
        """
        return cls(name, common, load_recipe(name, common, registry))


def cells_of(base: Base, variants: Sequence[Variant], swaps: Sequence[Swap], registry: Registry) -> tuple[Cell, ...]:
    """The cells of a study, the base first. One that cannot be built says why, and nothing is raised for it."""
    found: dict[str, Cell] = {}
    for variant in variants:
        try:
            recipe = load_recipe(base.name, overrides(base, variant, swaps, registry), registry)
        except PlicError as error:
            found[variant.label] = Cell(variant.label, (variant,), None, str(error))
            continue
        content = json.dumps(content_of(recipe), sort_keys=True)
        known = found.get(content)
        same = (*known.variants, variant) if known else (variant,)
        found[content] = Cell(same[0].label, same, recipe)
    return tuple(found.values())


def content_of(recipe: Recipe) -> dict[str, Any]:
    """The resolved recipe without what only people read; the name stays, for streams carry it."""
    return {key: value for key, value in recipe.resolved().items() if key not in TEXTS}


def overrides(base: Base, variant: Variant, swaps: Sequence[Swap], registry: Registry) -> dict[str, Any]:
    """What `load_recipe` is to change for a combination.

    A part that is swapped in begins with its defaults, then come those common settings that it knows, then its own. A
    swap to the part that the base has changes nothing but what it states.
    """
    found = dict(base.common)
    chosen = {swap.target: variant.levels[swap.target] for swap in swaps if swap.target in variant.levels}
    for target, level in chosen.items():
        if target not in SLOTS:
            continue
        kept = {key: value for key, value in found.items() if key.startswith(f"{target}.")}
        for key in (target, *kept):
            found.pop(key, None)
        if level.value is None:
            found[target] = None
            continue
        for key, value in _common(base, target, level.value["use"], registry).items():
            found[f"{target}.{key}"] = value
        found |= {f"{target}.{key}": value for key, value in level.value.items()}
    for target, level in chosen.items():
        if target not in SLOTS:
            _set(found, target, level.value)
    return found


def _common(base: Base, slot: str, part: str, registry: Registry) -> dict[str, Any]:
    """Common settings of a slot that a part knows, by key; all of them for the part that the base has."""
    whole = base.common.get(slot)
    stated = dict(whole) if isinstance(whole, Mapping) else {}
    prefix = f"{slot}."
    stated |= {key.removeprefix(prefix): value for key, value in base.common.items() if key.startswith(prefix)}
    stated.pop("use", None)
    fields = settings_model(slot, part, registry).model_fields
    known = {field.alias or name for name, field in fields.items()}
    return {key: value for key, value in stated.items() if key in known}


def without_effect(base: Base, variant: Variant, registry: Registry) -> list[str]:
    """Common settings, as ``slot.key``, that the parts of a combination do not have."""
    missing = []
    for target, level in variant.levels.items():
        if target not in SLOTS or level.value is None:
            continue
        known = _common(base, target, level.value["use"], registry)
        stated = [key.partition(".")[2] for key in base.common if key.startswith(f"{target}.")]
        missing += [f"{target}.{key}" for key in stated if key != "use" and key not in known]
    return missing


def _set(found: dict[str, Any], target: str, value: Any) -> None:
    section, dot, key = target.partition(".")
    whole = found.get(section)
    if dot and isinstance(whole, Mapping):
        found[section] = {**whole, key: value}
    elif dot and section in found:
        raise PlicError(f"the slot {section} is empty in this combination", got=f"a value for {target}")
    else:
        found[target] = value
