"""``plic train``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..recipe import load_recipe, parse_overrides

if TYPE_CHECKING:
    from ..recipe import Recipe
    from .bars import TrainingDisplay


def recipe_to_train(
    recipe: str,
    *,
    settings: Sequence[str] = (),
    lambdas: Sequence[float] = (),
    steps: int | None = None,
    seed: int | None = None,
) -> Recipe:
    """A recipe with what the command line changes.

    Args:
        recipe: name or path.
        settings: changed values as ``slot.key=value``.
        lambdas: instead of ``training.lambdas``; put into increasing order.
        steps: instead of ``training.steps``.
        seed: instead of ``training.seed``.

    Raises:
        PlicError: the recipe does not load.
    """
    overrides: dict[str, Any] = parse_overrides(settings)
    for key, value in (("lambdas", sorted(lambdas) or None), ("steps", steps), ("seed", seed)):
        if value is not None:
            overrides[f"training.{key}"] = value
    return load_recipe(recipe, overrides)


def train_recipe(
    recipe: Recipe,
    data: Sequence[str],
    out: str,
    *,
    minutes: float | None,
    start: str | None,
    device: str,
    threads: int | None,
    compiled: bool,
    tensorboard: bool,
    log_every: int,
    resume: bool,
    display: TrainingDisplay,
) -> None:
    """Train a recipe.

    Args:
        recipe: what to train.
        data: folders of photographs.
        out: folder for checkpoint, log, resolved recipe and weights.
        minutes: see `plic.core.training.Options`, as all that follows but one.
        start: a weights file.
        device: name of a device.
        threads: of torch; its default when None.
        compiled: whether to compile.
        tensorboard: whether to write for it.
        log_every: steps to a line.
        resume: whether to go on.
        display: shows how it goes.

    Raises:
        PlicError: training cannot start or go on.
        KeyboardInterrupt: it was interrupted; the checkpoint is written.
    """
    import torch

    from ..training import Options, train

    if threads is not None:
        torch.set_num_threads(threads)
    options = Options(
        minutes=minutes,
        resume=resume,
        start=None if start is None else Path(start),
        device=device,
        compiled=compiled,
        tensorboard=tensorboard,
        log_every=log_every,
        report=display.line,
        tick=display.tick,
        reading=display.reading,
    )
    train(recipe, [Path(folder) for folder in data], Path(out), options)
