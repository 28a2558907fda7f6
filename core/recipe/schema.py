"""A part's settings, derived from its constructor; validation; JSON Schema for editors."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from types import FunctionType, SimpleNamespace
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from ..errors import PluginError, RecipeError, near_matches
from ..exact import ExactSums
from ..registry import SLOTS, Registry
from .training import TrainingSettings
from .yaml_source import Source

FORMAT = 1
"""Version of the recipe format, the value of the key ``plic``."""
OPTIONAL = ("side_information",)
"""Slots that may be empty."""
DEFAULTS: dict[str, Any] = {"rate": {"use": "fixed"}, "distortion": {"use": "mse"}}
"""What fills a slot that a recipe leaves out."""
TEXTS = ("name", "title", "paper", "notes", "extends")
KEYS = ("plic", *TEXTS, *SLOTS, "tile", "channel_means", "exact_sums", "training", "requires")

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, validate_default=True)
_CORRECT = "correct it there; `plic recipes NAME` shows a recipe with every setting"


def settings_model(slot: str, part: str, registry: Registry) -> type[BaseModel]:
    """Schema of a part's settings: the keyword-only parameters of its constructor.

    Raises:
        UnknownName: no such part.
        PluginError: its constructor cannot be turned into a schema.
    """
    cls = registry.part(slot, part)
    try:
        return _model_of(cls)
    except Exception as error:
        raise PluginError(
            f"the constructor of {slot} {part!r} ({registry.provider(slot, part)}) does not describe its settings",
            got=f"{type(error).__name__}: {error}".splitlines()[0],
            expected="keyword-only parameters annotated with int, float, bool, str, Literal, list, tuple or a union",
        ) from error


def training_only(slot: str, part: str, registry: Registry) -> frozenset[str]:
    """The settings of a part that only training sees: its class attribute ``training_only``; none without it.

    Raises:
        UnknownName: no such part.
        PluginError: the attribute names what is no setting.
    """
    cls = registry.part(slot, part)
    named: frozenset[str] = frozenset(getattr(cls, "training_only", ()))
    settings = {field.alias for field in settings_model(slot, part, registry).model_fields.values()}
    if unknown := named - settings:
        raise PluginError(
            f"training_only of {slot} {part!r} ({registry.provider(slot, part)}) names what is no setting of it",
            got=", ".join(sorted(unknown)),
            expected="keyword-only parameters of its constructor",
        )
    return named


def _model_of(cls: type[Any]) -> type[BaseModel]:
    init = inspect.unwrap(cls.__init__)
    fields: dict[str, Any] = {}
    if isinstance(init, FunctionType):
        keyword_only = [p for p in inspect.signature(init).parameters.values() if p.kind is p.KEYWORD_ONLY]
        for parameter in keyword_only:
            if parameter.annotation is parameter.empty:
                raise TypeError(f"the parameter {parameter.name!r} has no annotation")
        # Only these annotations are evaluated: wiring may use names imported for type checking alone.
        holder = SimpleNamespace(__annotations__={p.name: p.annotation for p in keyword_only})
        hints = get_type_hints(holder, globalns=init.__globals__, include_extras=True)
        for parameter in keyword_only:
            default = ... if parameter.default is parameter.empty else parameter.default
            # The alias keeps names such as `schema` or `copy` from colliding with pydantic's methods.
            fields[f"setting_{parameter.name}"] = (hints[parameter.name], Field(default, alias=parameter.name))
    return create_model(cls.__name__, __config__=_STRICT, **fields)


def validate(model: type[BaseModel], values: Mapping[str, Any], source: Source, path: str, what: str) -> BaseModel:
    """Validate one mapping of a recipe.

    Args:
        model: its schema.
        values: the mapping.
        source: tells where it stands.
        path: its key at the top level of the recipe.
        what: names it in messages, e.g. ``transform 'crm'``.

    Raises:
        RecipeError: with file, line, what was got and what would have been right.
    """
    try:
        text = json.dumps(values)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{source.where(path)}: {what} has a value that YAML cannot express: {error}") from error
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise _explain(error, model, source, path, what) from None


def _explain(error: ValidationError, model: type[BaseModel], source: Source, path: str, what: str) -> RecipeError:
    first = error.errors(include_url=False)[0]
    keys = [field.alias or name for name, field in model.model_fields.items()]
    location = [str(step) for step in first["loc"]]
    key = location[0] if location else ""
    where = source.where(path, *location)
    known = ", ".join(keys) or "(it has no settings)"
    if first["type"] == "extra_forbidden":
        return RecipeError(
            f"{where}: {what} has no setting {key!r}",
            got=key,
            expected=f"one of {known}",
            near=near_matches(key, keys),
            hint=_CORRECT,
        )
    if first["type"] == "missing":
        return RecipeError(f"{where}: {what} needs the setting {key!r}", expected=f"{known}", hint=_CORRECT)
    got = f"{first['input']!r} ({type(first['input']).__name__})"
    problem = f"{where}: {path}.{'.'.join(location)} does not fit {what}"
    return RecipeError(problem, got=got, expected=first["msg"], hint=_CORRECT)


def settings_of(model: BaseModel, defaults: bool = True) -> dict[str, Any]:
    """Validated settings by the names that the constructor uses, with those left to their defaults if ``defaults``."""
    fields = type(model).model_fields
    stated = fields if defaults else model.model_fields_set
    return {field.alias or name: getattr(model, name) for name, field in fields.items() if name in stated}


def plain(value: Any) -> Any:
    """A setting as YAML and JSON express it: sequences become lists."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value


def recipe_schema(registry: Registry) -> dict[str, Any]:
    """JSON Schema (2020-12) of the recipe files that this installation accepts.

    Parts that cannot be used, for instance because two plugins provide them, are left out.
    """
    texts = {key: {"type": "string"} for key in TEXTS}
    slots = {slot: {"oneOf": _alternatives(slot, registry)} for slot in SLOTS}
    needed = [slot for slot in SLOTS if slot not in (*DEFAULTS, *OPTIONAL)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "plic recipe",
        "type": "object",
        "properties": {
            "plic": {"const": FORMAT},
            **texts,
            **slots,
            "tile": {"type": ["integer", "null"], "minimum": 1},
            "channel_means": {"type": ["boolean", "null"]},
            "exact_sums": {"enum": [*(one.value for one in ExactSums), None]},
            "training": TrainingSettings.model_json_schema() | {"required": []},
            "requires": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["plic", "name"],
        "additionalProperties": False,
        "anyOf": [{"required": ["extends"]}, {"required": [*needed, "training"]}],
    }


def _alternatives(slot: str, registry: Registry) -> list[dict[str, Any]]:
    """One schema per part, one for changed settings without ``use`` (after ``extends``), null where it is legal."""
    choices: list[dict[str, Any]] = [{"type": "object", "not": {"required": ["use"]}}]
    if slot in OPTIONAL:
        choices.append({"type": "null"})
    for part in registry.ids(slot):
        try:
            schema = settings_model(slot, part, registry).model_json_schema()
        except (PluginError, RecipeError):
            continue
        schema["properties"] = {"use": {"const": part}} | schema.get("properties", {})
        # With `extends`, required settings may come from the recipe that is extended.
        choices.append(schema | {"title": f"{slot} {part}", "required": ["use"]})
    return choices
