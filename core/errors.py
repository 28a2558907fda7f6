"""The one tree of errors that plic raises on purpose.

    PlicError
    ├── RecipeError              a recipe does not validate
    │   ├── UnknownName          no recipe, part or weights of that name
    │   └── IncompatibleParts    two parts of the chain do not fit
    ├── PluginError              a plugin is broken, missing or in conflict
    ├── WeightsError             trained weights are missing or damaged
    ├── ExactnessError           a network cannot be computed exactly
    ├── FileError                a file cannot be read or written
    ├── ImageError               an input is not a picture plic can read, or too large
    ├── TrainingError            training cannot go on
    └── StreamError              a .plic file cannot be decoded
        ├── NotAStream           it is not a .plic file, or of a newer format
        ├── DamagedStream        bytes are missing or changed
        ├── StreamLimit          it declares more than the limits allow
        └── StreamMismatch       it was made with other weights or for another machine

Every message answers four questions: what went wrong, what was got and expected, what comes near, what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Self


class PlicError(Exception):
    """Base of every error that plic raises on purpose.

    Args:
        problem: what went wrong, one sentence without a full stop.
        got: what was found.
        expected: what would have been right.
        near: names close to what was asked.
        hint: the next thing to do.
    """

    def __init__(
        self,
        problem: str,
        *,
        got: object = None,
        expected: object = None,
        near: Iterable[str] = (),
        hint: str | None = None,
    ) -> None:
        self.problem = problem
        self.got = got
        self.expected = expected
        self.near = tuple(near)
        self.hint = hint
        super().__init__(self._message())

    def at(self, where: str, got: object) -> Self:
        """The same error, of the same class, with the place where the name or value stands before the problem."""
        return type(self)(f"{where}: {self.problem}", got=got, expected=self.expected, near=self.near, hint=self.hint)

    def _message(self) -> str:
        lines = [self.problem]
        if self.got is not None:
            lines.append(f"  got:      {self.got}")
        if self.expected is not None:
            lines.append(f"  expected: {self.expected}")
        if self.near:
            lines.append(f"  near:     {', '.join(self.near)}")
        if self.hint:
            lines.append(f"  next:     {self.hint}")
        return "\n".join(lines)


class RecipeError(PlicError):
    """A recipe does not validate."""


class UnknownName(RecipeError):
    """No recipe, part or weights of that name is known."""


class IncompatibleParts(RecipeError):
    """Two parts of a recipe's chain do not fit together."""


class PluginError(PlicError):
    """A plugin is broken, missing, or in conflict with another."""


class WeightsError(PlicError):
    """Trained weights are missing, damaged, or do not fit their recipe."""


class ExactnessError(PlicError):
    """A network on the probability path cannot be computed in exact arithmetic."""


class FileError(PlicError):
    """A file cannot be read or written."""


class ImageError(PlicError):
    """An input is not a picture that plic can read, or is larger than the limits."""


class TrainingError(PlicError):
    """Training cannot go on, for instance because a loss is not finite."""


class StreamError(PlicError):
    """A ``.plic`` file cannot be decoded."""


class NotAStream(StreamError):
    """The data is not a ``.plic`` file, or one of a newer format."""


class DamagedStream(StreamError):
    """Bytes of the stream are missing or changed."""


class StreamLimit(StreamError):
    """The stream declares more than the decoder's limits allow."""


class StreamMismatch(StreamError):
    """The stream was made with other weights, another coder or for another machine."""


def missing_package(problem: str, extra: str) -> PluginError:
    """The error for a package of an extra that is not installed.

    Args:
        problem: what needs which package.
        extra: of plic, the one that brings it; several with commas.
    """
    return PluginError(f"{problem}, which is not installed", hint=f"pip install 'plic[{extra}]'")


def near_matches(name: str, known: Iterable[str]) -> list[str]:
    """Up to three of ``known`` that resemble ``name``, best first; ``folder/name`` comes before all others."""
    candidates = sorted(known)
    inside = [one for one in candidates if one.endswith(f"/{name}")]
    return (inside + get_close_matches(name, candidates, n=3, cutoff=0.5))[:3]
