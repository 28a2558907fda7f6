"""``plic train``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..recipe import load_recipe, parse_overrides

if TYPE_CHECKING:
    from ..training.loop import Progress


def train_recipe(
    recipe: str,
    data: Sequence[str],
    out: str,
    *,
    settings: Sequence[str] = (),
    steps: int | None = None,
    minutes: float | None = None,
    resume: bool = False,
    report: Callable[[Progress], None],
) -> None:
    """Train a recipe.

    Args:
        recipe: name or path.
        data: folders of photographs.
        out: folder for checkpoint, log, resolved recipe and weights.
        settings: changed values as ``slot.key=value``.
        steps: instead of ``training.steps``.
        minutes: limit on wall-clock time per model.
        resume: go on from the checkpoint in ``out``.
        report: called with each line of the log.

    Raises:
        PlicError: the recipe does not load, or training cannot start or go on.
    """
    overrides = parse_overrides(settings)
    if steps is not None:
        overrides["training.steps"] = steps
    loaded = load_recipe(recipe, overrides)
    from ..training import train

    train(loaded, [Path(folder) for folder in data], Path(out), minutes=minutes, resume=resume, report=report)
