"""What a study changes: ``--swap`` read and checked against a recipe and the installed parts.

head=gaussian,gmm{components: 5}     a slot: other parts, each with settings of its own or its defaults
transform.stages=1,2,3               one setting
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import RecipeError, UnknownName, near_matches
from ..recipe import Recipe, TrainingSettings, parse_overrides
from ..recipe.schema import OPTIONAL, settings_model
from ..registry import SLOTS, Registry

TOP_LEVEL = ("tile", "channel_means", "exact_sums")
"""Keys of a recipe that belong to no slot."""
BUDGET = {"lambdas": "--lambda", "steps": "--steps", "seed": "--seed"}
"""Training settings that all cells have in common, and the options that set them."""
_PART = re.compile(r"(?P<id>[^\s{}]+)\s*(?P<settings>\{.*\})?", re.DOTALL)
_OPEN, _CLOSE = "[{", "]}"


@dataclass(frozen=True)
class Level:
    """One value of a swap.

    Attributes:
        text: as it was written.
        value: what a recipe would hold: for a slot ``{"use": id, setting: value, ...}``, or None for an empty one.
    """

    text: str
    value: Any


@dataclass(frozen=True)
class Swap:
    """One thing that a study changes, and its values in the order given.

    Attributes:
        target: ``slot``, ``slot.key``, ``training.key``, or a key that belongs to no slot.
        levels: at least one; no two are written alike.
    """

    target: str
    levels: tuple[Level, ...]

    @property
    def section(self) -> str:
        """The slot, or another key at the top level of a recipe."""
        return self.target.partition(".")[0]

    @property
    def key(self) -> str:
        """The setting within the section; empty if the whole of it is exchanged."""
        return self.target.partition(".")[2]


def parse_swaps(items: Iterable[str], base: Recipe, registry: Registry) -> tuple[Swap, ...]:
    """Read swaps.

    Args:
        items: as the command line has them, ``slot=id,id`` or ``slot.key=value,value``.
        base: the recipe that is changed.
        registry: where parts are looked up.

    Raises:
        RecipeError: an item cannot be read, or would change the budget.
        UnknownName: it names a slot, part or setting that does not exist; near ones are in the message.
    """
    swaps = [_swap(item, registry) for item in items]
    for index, swap in enumerate(swaps):
        if swap.target in [other.target for other in swaps[:index]]:
            raise RecipeError(
                f"--swap {swap.target} is given twice",
                hint="name all values in one: SLOT=ID,ID or SLOT.KEY=VALUE,VALUE",
            )
        if swap.key:
            _check_key(swap, swaps, base, registry)
    return tuple(swaps)


def _swap(item: str, registry: Registry) -> Swap:
    target, equals, values = item.partition("=")
    target = target.strip().removesuffix(".use")
    texts = [text.strip() for text in split_values(values)]
    if not equals or not target or not all(texts):
        raise RecipeError(
            f"--swap {item}: nothing to swap",
            got=item,
            expected="SLOT=ID,ID or SLOT.KEY=VALUE,VALUE, e.g. head=gaussian,gmm",
        )
    _check_section(target)
    if len(set(texts)) < len(texts):
        raise RecipeError(f"--swap {item}: a value appears twice", got=values)
    whole_part = target in SLOTS
    levels = [Level(text, _part(target, text, registry) if whole_part else _value(target, text)) for text in texts]
    return Swap(target, tuple(levels))


def split_values(text: str) -> list[str]:
    """``a,b{c: 1, d: 2},[3, 4]`` at the commas that stand in no brackets and no quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in _OPEN or character in _CLOSE:
            depth += 1 if character in _OPEN else -1
        if character == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _check_section(target: str) -> None:
    section, dot, _ = target.partition(".")
    known = (*SLOTS, "training", *TOP_LEVEL)
    if section not in known or (dot and section in TOP_LEVEL):
        raise UnknownName(
            f"--swap {target}: a recipe has no {section if section not in known else target!r} to swap",
            got=target,
            expected=f"one of {', '.join(known)}, or a setting such as transform.channels",
            near=near_matches(section, known),
        )
    if target == "training":
        raise RecipeError("--swap training: not a part", expected="one setting, e.g. training.learning_rate=1e-4,3e-4")


def _part(slot: str, text: str, registry: Registry) -> dict[str, Any] | None:
    """A part as a recipe writes it."""
    if text in ("null", "none", "~"):
        if slot in OPTIONAL:
            return None
        raise RecipeError(f"--swap {slot}={text}: the slot {slot} cannot be empty", hint="only side_information can")
    match = _PART.fullmatch(text)
    if match is None:
        raise RecipeError(f"--swap {slot}={text}: not a part", expected="ID, or ID{key: value, ...}")
    part = match["id"]
    try:
        keys = _keys(slot, part, registry)
    except UnknownName as error:
        raise error.at(f"--swap {slot}={text}", part) from error
    settings = _value(slot, match["settings"]) if match["settings"] else {}
    for key in settings:
        if key not in keys:
            raise _no_setting(f"{slot}={text}", key, f"{slot} {part!r}", keys)
    return {"use": part, **settings}


def _value(target: str, text: str) -> Any:
    try:
        return parse_overrides([f"{target}={text}"])[target]
    except RecipeError as error:
        raise RecipeError(f"--swap {target}={text}: the value is not valid YAML", got=text) from error


def _check_key(swap: Swap, swaps: Sequence[Swap], base: Recipe, registry: Registry) -> None:
    """A setting must belong to the base's part or to one that is swapped in."""
    slot = swap.section
    if slot == "training":
        if swap.key in BUDGET:
            raise RecipeError(
                f"--swap {swap.target}: all cells have the same budget", hint=f"set it for all with {BUDGET[swap.key]}"
            )
        parts, keys = ["training"], [key for key in TrainingSettings.model_fields if key not in BUDGET]
    else:
        values = [level.value for other in swaps if other.target == slot for level in other.levels]
        ids = [choice.id] if (choice := base.slot(slot)) else []
        ids += [value["use"] for value in values if value is not None]
        parts = [f"{slot} {part!r}" for part in dict.fromkeys(ids)]
        keys = [key for part in dict.fromkeys(ids) for key in _keys(slot, part, registry)]
    if swap.key not in keys:
        raise _no_setting(swap.target, swap.key, " or ".join(parts) or f"the empty slot {slot}", keys)


def _keys(slot: str, part: str, registry: Registry) -> list[str]:
    fields = settings_model(slot, part, registry).model_fields
    return [field.alias or name for name, field in fields.items()]


def _no_setting(swap: str, key: str, what: str, keys: Iterable[str]) -> UnknownName:
    known = list(dict.fromkeys(keys))
    return UnknownName(
        f"--swap {swap}: {what} has no setting {key!r}",
        got=key,
        expected=f"one of {', '.join(known) or '(it has no settings)'}",
        near=near_matches(key, known),
        hint="`plic recipes NAME` shows a recipe with every setting",
    )
