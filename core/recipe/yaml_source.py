"""YAML in and out: plain data, with the line of every value remembered.

Only plain scalars, lists and mappings are read (the core schema of YAML 1.2: ``1e-4`` is a number, ``no`` is a word);
tags that build objects, repeated keys and deep nesting are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..errors import RecipeError

Path_ = tuple[str, ...]
MAX_DEPTH = 8
_SCALARS = {
    "null": (r"~|null|Null|NULL|", ("~", "n", "N", "")),
    "bool": (r"true|True|TRUE|false|False|FALSE", tuple("tTfF")),
    "int": (r"[-+]?(0|[1-9][0-9_]*)", tuple("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
        tuple("-+0123456789."),
    ),
}


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


class _Line(dict[str, Any]):
    """A mapping that is written as ``{key: value}``, the way recipes write a slot."""


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_text(self, data: str) -> yaml.Node:
        # PyYAML loses the line breaks of Unicode unless they are escaped, which only this style does.
        style = '"' if set(data) & set("\x85\u2028\u2029") else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)

    def represent_line(self, data: _Line) -> yaml.Node:
        return self.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True)


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_representer(_Line, _Dumper.represent_line)


for _tag, (_pattern, _first) in _SCALARS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


@dataclass(frozen=True)
class Source:
    """Plain data and where each value came from.

    Attributes:
        data: the top-level mapping.
        marks: where a value stands (``file:line``, or ``--set``), by the keys that lead to it.
        origin: the file.
    """

    data: dict[str, Any]
    origin: str
    marks: Mapping[Path_, str] = field(default_factory=dict)

    def where(self, *path: str) -> str:
        """Where the value at ``path``, or the nearest mapping around it, stands."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, self.origin)


def read_yaml(path: Path) -> Source:
    """Read a recipe file.

    Raises:
        RecipeError: it cannot be read or is not YAML; file and line are in the message.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: the recipe cannot be read: {error}") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, origin: str) -> Source:
    """Parse the text of a recipe; ``origin`` names it in messages.

    Raises:
        RecipeError: as `read_yaml`.
    """
    marks: dict[Path_, str] = {}
    try:
        node = yaml.compose(text, Loader=_Loader)
        if not isinstance(node, yaml.MappingNode):
            raise RecipeError(f"{origin}: a recipe is a mapping", expected="`plic: 1`, `name: ...` and so on")
        _walk(node, (), origin, marks)
        data = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise RecipeError(f"{origin}{line}: not valid YAML", got=getattr(error, "problem", None) or error) from error
    return Source(data, origin, marks)


def _walk(node: yaml.Node, path: Path_, origin: str, marks: dict[Path_, str]) -> None:
    where = f"{origin}:{node.start_mark.line + 1}"
    marks.setdefault(path, where)
    if len(path) > MAX_DEPTH:
        raise RecipeError(f"{where}: nested too deeply", expected=f"at most {MAX_DEPTH} levels")
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*path, str(index)), origin, marks)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            line = f"{origin}:{key.start_mark.line + 1}"
            if key.tag != "tag:yaml.org,2002:str":
                raise RecipeError(f"{line}: a key must be a word", got=getattr(key, "value", key))
            if (*path, key.value) in marks:
                first = marks[(*path, key.value)]
                raise RecipeError(f"{line}: the key {key.value!r} appears twice", hint=f"the first is at {first}")
            marks[(*path, key.value)] = line
            _walk(value, (*path, key.value), origin, marks)


def parse_overrides(items: Iterable[str]) -> dict[str, Any]:
    """``["head.use=gaussian", "transform.channels=64"]`` as overrides, the values read as YAML.

    Raises:
        RecipeError: an item is not ``key=value``, or its value is not YAML.
    """
    overrides: dict[str, Any] = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals or not key.strip():
            raise RecipeError(f"--set {item}: not an override", expected="slot.key=value, e.g. head.use=gaussian")
        try:
            overrides[key.strip()] = yaml.load(value, Loader=_Loader)
        except (yaml.YAMLError, ValueError) as error:
            raise RecipeError(f"--set {item}: the value is not valid YAML", got=value) from error
    return overrides


def dump_yaml(data: Mapping[str, Any]) -> str:
    """YAML that `parse_yaml` reads back as the same data."""
    lines = {key: _Line(value) if isinstance(value, dict) else value for key, value in data.items()}
    text = yaml.dump(lines, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)
    return str(text)
