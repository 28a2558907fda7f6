"""YAML as plain data, with the line of every key."""

from __future__ import annotations

from typing import Any

import yaml

from ..errors import PlicError

Lines = dict[tuple[str, ...], int]


def parse(text: str, origin: str) -> tuple[Any, Lines]:
    """The data of a YAML document, and the line of each key by the keys that lead to it.

    Only plain scalars, lists and mappings are read; tags that build objects are refused.

    Raises:
        PlicError: it is not YAML, or a key appears twice.
    """
    lines: Lines = {}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        _walk(node, (), origin, lines, set())
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{origin}:{mark.line + 1}" if mark else origin
        raise PlicError(
            f"the catalogue {where} cannot be read: it is not valid YAML",
            got=getattr(error, "problem", None) or error,
            hint="mend the file; docs/registry.md shows its form",
        ) from error
    return data, lines


def _walk(node: yaml.Node | None, path: tuple[str, ...], origin: str, lines: Lines, seen: set[int]) -> None:
    # what an alias repeats was seen: it may even hold itself
    if not isinstance(node, yaml.MappingNode) or id(node) in seen:
        return
    seen.add(id(node))
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue  # the reader of the catalogue says what is wrong with it
        here = (*path, key.value)
        line = key.start_mark.line + 1
        if here in lines:
            raise PlicError(
                f"{origin}:{line}: {'.'.join(here)} appears twice",
                got=f"lines {lines[here]} and {line}",
                expected="each key once",
                hint="keep one of them",
            )
        lines[here] = line
        _walk(value, here, origin, lines, seen)
