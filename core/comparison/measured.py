"""Results files in: each model with a label of its own, all of them measured on the same pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..container.stream import quality_text
from ..errors import PlicError
from ..evaluation import Evaluation, QualityResult, read_evaluations

_NAMED = 3
"""Pictures that a message names before it only counts them."""


@dataclass(frozen=True)
class Measured:
    """One evaluation of a results file.

    Attributes:
        label: the model's name, with the file's where two models are called alike.
        file: the results file; decoded pictures lie relative to its folder.
        evaluation: what it says.
    """

    label: str
    file: Path
    evaluation: Evaluation

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of the pictures, sorted."""
        return tuple(sorted(image.name for image in self.evaluation.qualities[0].images))


def read_measured(paths: Iterable[str | Path]) -> list[Measured]:
    """Read results files.

    Raises:
        FileError: one cannot be read.
        PlicError: one is not a results file or holds no results, or pictures differ.
    """
    read = [(Path(path), evaluation) for path in paths for evaluation in read_evaluations(path)]
    for path, evaluation in read:
        if not evaluation.qualities or not all(result.images for result in evaluation.qualities):
            hint = "measure it again with `plic evaluate`"
            raise PlicError("there are no results to compare", got=f"{path}: {evaluation.model}", hint=hint)
    if not read:
        raise PlicError("there are no results to compare", hint="give files that `plic evaluate` wrote")
    labels = _labels(read)
    found = [Measured(label, path, evaluation) for label, (path, evaluation) in zip(labels, read, strict=True)]
    _check_same_pictures(found)
    return found


def _labels(read: Sequence[tuple[Path, Evaluation]]) -> list[str]:
    """The models' names; those that occur twice get their file's name, and then a number, if need be."""
    names = [evaluation.model for _, evaluation in read]
    often = Counter(names)
    with_file = [
        name if often[name] == 1 else f"{name} ({path.stem})" for name, (path, _) in zip(names, read, strict=True)
    ]
    often, seen, labels = Counter(with_file), Counter[str](), []
    for label in with_file:
        seen[label] += 1
        labels.append(label if often[label] == 1 else f"{label} #{seen[label]}")
    return labels


def _check_same_pictures(all_of: Sequence[Measured]) -> None:
    first = all_of[0]
    expected = _sizes(first.evaluation.qualities[0])
    for one in all_of:
        for result in one.evaluation.qualities:
            if (got := _sizes(result)) != expected:
                raise PlicError(
                    "these results were measured on different pictures, so they cannot be compared",
                    got=f"{one.label}, quality {quality_text(result.quality)} ({one.file}): {_contrast(got, expected)}",
                    expected=f"the {len(expected)} pictures of {first.label} ({first.file}), equal in name and size",
                    hint="evaluate all models on the same folder",
                )


def _sizes(result: QualityResult) -> dict[str, tuple[int, int]]:
    return {image.name: (image.width, image.height) for image in result.images}


def _contrast(got: dict[str, tuple[int, int]], expected: dict[str, tuple[int, int]]) -> str:
    resized = [name for name in got if name in expected and got[name] != expected[name]]
    parts = {
        "has also": [name for name in got if name not in expected],
        "lacks": [name for name in expected if name not in got],
        "of another size": [f"{name} ({got[name][0]}x{got[name][1]})" for name in resized],
    }
    return "; ".join(f"{what} {_some(names)}" for what, names in parts.items() if names)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(sorted(names)[:_NAMED]) + (f" and {more} more" if more > 0 else "")
