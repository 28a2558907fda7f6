"""``plic train``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..recipe import load_recipe, parse_overrides
from .bars import PARTS, Bar

if TYPE_CHECKING:
    from ..recipe import Recipe
    from ..training import Progress


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
    fresh: Sequence[str],
    device: str,
    threads: int | None,
    compiled: bool,
    tensorboard: bool,
    log_every: int,
    resume: bool,
    display: TrainingDisplay,
    callback: Sequence[str] = (),
) -> None:
    """Train a recipe.

    Args:
        recipe: what to train.
        data: folders of photographs.
        out: folder for checkpoint, log, resolved recipe and weights.
        minutes: see `plic.core.training.Options`, as all that follows but one.
        start: a weights file.
        fresh: slots.
        device: name of a device.
        threads: of torch; its default when None.
        compiled: whether to compile.
        tensorboard: whether to write for it.
        log_every: steps to a line.
        resume: whether to go on.
        display: shows how it goes.
        callback: names of plugins' callbacks.

    Raises:
        PlicError: there is no such callback, or training cannot start or go on.
        KeyboardInterrupt: it was interrupted; the checkpoint is written.
    """
    import torch

    from ..training import Options, callbacks_named, train

    if threads is not None:
        torch.set_num_threads(threads)
    options = Options(
        minutes=minutes,
        resume=resume,
        start=None if start is None else Path(start),
        fresh=fresh,
        device=device,
        compiled=compiled,
        tensorboard=tensorboard,
        log_every=log_every,
        report=display.line,
        tick=display.tick,
        reading=display.reading,
        callbacks=callbacks_named(callback),
    )
    if resume:
        for line in other_settings(recipe, Path(out)):
            click.echo(f"plic: goes on with another {line}", err=True)
    train(recipe, [Path(folder) for folder in data], Path(out), options)


def other_settings(recipe: Recipe, out: Path) -> list[str]:
    """What is set otherwise now than in the run that a folder holds; nothing if it holds none, or several models."""
    so_far = out / "recipe.yaml"
    if not so_far.exists():
        return []
    before, now = (dict(_flat(one.resolved())) for one in (load_recipe(so_far), recipe))
    described = ("title", "notes", "name")
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    return [f"{key}: {now.get(key)}, so far {before.get(key)}" for key in changed if key not in described]


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


class TrainingDisplay:
    """Shows a run: photographs that are read, then rate, distortion and time left; lines where there is no terminal."""

    def __init__(self) -> None:
        self._bar = Bar(time=False)  # the label says it
        self._label = "training"
        self._model = 0

    def reading(self, done: int, total: int) -> None:
        """Some photographs are read."""
        self._bar.advance("photographs", done, total)
        if done == total:
            self.close()

    def tick(self, share: float) -> None:
        """A share of the run is done."""
        self._bar.advance(self._label, min(PARTS, round(PARTS * share)), PARTS)

    def line(self, progress: Progress) -> None:
        """A line of the log."""
        if not self._bar.shown:
            click.echo(training_line(progress))
            return
        if progress.model != self._model:
            self.close()
            self._model = progress.model
        self._label = training_line(progress)
        self._bar.relabel(self._label)

    def close(self) -> None:
        """End the line of the bar."""
        self._bar.close()


def training_line(progress: Progress) -> str:
    """One line for people."""
    model = f"model {progress.model + 1}/{progress.models}  " if progress.models > 1 else ""
    return (
        f"{model}step {progress.step}/{progress.steps}  {progress.bpp:.4f} bpp  {progress.psnr:.2f} dB  "
        f"loss {progress.loss:.4f}  rate {progress.learning_rate:.1e}  {progress.steps_per_second:.2f} steps/s  "
        f"{duration(progress.seconds)} done, {duration(progress.seconds_left)} left"
    )


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, as short as the size allows."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
