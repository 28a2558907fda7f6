"""What a finished run leaves behind: ``result.json``, written last, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from ..evaluation import Evaluation
from ..evaluation.results import Record
from ..files import read_file, write_atomically

RESULT = "result.json"
FAILURE = "failure.txt"
RECIPE = "recipe.yaml"
TRAINING = "training"


class RunResult(Record):
    """One cell, trained and measured under one seed.

    Attributes:
        plic_ablation: version of the format.
        key: see `plic.core.ablation.identity.run_key`.
        label: of the cell.
        seed: of training.
        recipe: resolved, with seed and budget.
        training_seconds: that training took, those of interrupted parts included.
        workers: runs that were carried out side by side; seconds mean little unless it is 1.
        device: that training computed on.
        evaluations: one for each model: one in all, or one for each lambda.
    """

    plic_ablation: Literal[1] = 1
    key: str
    label: str
    seed: int
    recipe: dict[str, Any]
    training_seconds: float
    workers: int
    device: str
    evaluations: tuple[Evaluation, ...]


def write_result(folder: Path, result: RunResult) -> None:
    """Mark a run as finished.

    Raises:
        FileError: the file cannot be written.
    """
    write_atomically(folder / RESULT, result.model_dump_json(indent=1).encode() + b"\n")


def read_result(folder: Path, key: str) -> RunResult | None:
    """The result of a run; None if it is not finished, or not by a plic that wrote this format."""
    if not (folder / RESULT).is_file():
        return None
    try:
        result = RunResult.model_validate_json(read_file(folder / RESULT))
    except ValidationError:
        return None
    return result if result.key == key else None


def read_failure(folder: Path) -> str:
    """The traceback of the last attempt; empty if there is none."""
    path = folder / FAILURE
    return read_file(path).decode(errors="replace") if path.is_file() else ""
