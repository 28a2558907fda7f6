"""Templates of pages: how they are filled in, and how their numbers are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import missing_package

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(read: Callable[[str], str], filters: Sequence[Callable[..., str]], **tests: type[Any]) -> Environment:
    """Where templates are filled in: everything is escaped, and a name that is not there is an error.

    Args:
        read: the text of a template, by its name.
        filters: what templates may write numbers with, under the functions' own names.
        tests: what templates may ask of a value, by name: whether it is of this class.

    Raises:
        PluginError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError as error:
        raise missing_package("pages need the package jinja2", "report") from error
    made = Environment(
        loader=FunctionLoader(read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update({form.__name__: form for form in filters})
    made.tests.update({name: lambda value, kind=kind: isinstance(value, kind) for name, kind in tests.items()})
    return made


def in_script(json_text: str) -> str:
    """JSON between script tags, where a "<" could end the element or begin a comment."""
    return json_text.replace("<", r"\u003c")
