"""``plic evaluate``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FileError

if TYPE_CHECKING:
    from ..evaluation import QualityResult
    from .refining import RefineOptions


def evaluate_models(
    models: Sequence[str],
    data: str,
    out: str,
    *,
    quality: Sequence[int] = (),
    threads: int | None = None,
    force: bool = False,
    refine: RefineOptions | None = None,
    report: Callable[[str, QualityResult], None],
) -> None:
    """Measure models on a folder of pictures. The results file is written anew after each model.

    Args:
        models: names of recipes with shipped weights, or paths of weights files.
        data: folder of pictures.
        out: results file (JSON).
        quality: levels; all of each model when empty.
        threads: of torch; its default when None.
        force: whether an existing results file may be overwritten.
        refine: whether and how latents are refined before they are coded; results are then labelled so.
        report: called with each model's label and the result of each quality.

    Raises:
        PlicError: a model, the pictures or the results file are not usable.
    """
    _check_target(Path(out), force)
    import torch

    from ..api import load
    from ..evaluation import Evaluation, evaluate, write_evaluations

    if threads is not None:
        torch.set_num_threads(threads)
    evaluations: list[Evaluation] = []
    encode = None if refine is None else refine.encoded
    suffix = "" if refine is None else f" + {refine.refiner}"
    for name, model in [(_label(model) + suffix, load(model)) for model in models]:
        progress = partial(report, name)
        evaluations.append(evaluate(model, data, quality or None, model=name, encode=encode, report=progress))
        write_evaluations(out, evaluations)


def _label(model: str) -> str:
    """A recipe's name, or the last folder and the stem of a weights file's path: training calls every file alike."""
    path = Path(model)
    return "/".join((*path.parts[-2:-1], path.stem))


def _check_target(path: Path, force: bool) -> None:
    """Refuses before hours of work what writing would refuse after them."""
    if path.exists() and not force:
        raise FileError(f"{path} exists", hint="add -f to overwrite it, or name another file with -o")
    if not path.parent.is_dir():
        hint = f"make it first: mkdir -p {path.parent}"
        raise FileError("the folder to write into does not exist", got=str(path.parent), hint=hint)
