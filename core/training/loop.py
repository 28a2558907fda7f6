"""From a recipe and folders of photographs to weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from ..callback import Moment
from ..codec import assemble
from ..errors import PluginError, TrainingError
from ..files import make_folder, write_atomically
from ..recipe import Recipe
from .interrupts import Interrupt, deferred_interrupts
from .listeners import Listeners
from .options import Options, ignore
from .photographs import Photographs
from .progress import Progress, RunLog
from .provenance import write_provenance
from .run import CHECKPOINT, Means, TrainingRun
from .schedule import crops
from .warm_start import load_start
from .world import World, joined

CHECKPOINT_SECONDS = 120.0
WEIGHTS = "weights.safetensors"


def train(recipe: Recipe, data: Sequence[Path], out: Path, options: Options | None = None) -> None:
    """Train every model of a recipe and export frozen weights.

    A recipe whose rate part has several levels gives one model, otherwise there is one per lambda, in folders
    ``out/0``, ``out/1``, ... Each folder receives ``checkpoint.pt``, ``log.jsonl``, ``run.json`` (seed, versions,
    state of the source), ``recipe.yaml`` (resolved) and ``weights.safetensors``. Under ``torchrun``, all processes
    train one model together.

    Args:
        recipe: what to train.
        data: folders of photographs.
        out: folder for the results.
        options: how.

    Raises:
        TrainingError: training cannot start or go on.
        PluginError: a callback failed; the checkpoint is written.
        KeyboardInterrupt: the run was interrupted; if it had begun, its checkpoint is written.
    """
    options = options or Options()
    variable = assemble(recipe).rate.levels > 1
    models: list[int | None] = [None] if variable else list(range(len(recipe.training.lambdas)))
    folders = [out if len(models) == 1 else out / str(model) for model in models]
    for folder in folders:
        _check_folder(folder, options)
    with joined(options.device) as world:
        if not world.leads:
            options = replace(options, report=ignore, tick=ignore, reading=ignore, callbacks=())
        _train_models(recipe, data, list(zip(models, folders, strict=True)), world, options)


def _train_models(
    recipe: Recipe, data: Sequence[Path], models: Sequence[tuple[int | None, Path]], world: World, options: Options
) -> None:
    photographs = Photographs.of(data, recipe.training.largest_crop, world.device, options.reading)
    for index, (model, folder) in enumerate(models):
        run = TrainingRun(recipe, photographs, folder, model, world, options.compiled)
        with deferred_interrupts() as interrupt:
            _Loop(run, options, interrupt, index, len(models)).go(data)


class _Loop:
    """Carries one run out: when to log, save, stop."""

    def __init__(self, run: TrainingRun, options: Options, interrupt: Interrupt, index: int, models: int) -> None:
        self.run, self.options, self.interrupt = run, options, interrupt
        self.index, self.models = index, models
        self.seconds = 0.0
        self.listeners = Listeners(options.callbacks, self._moment)

    def go(self, data: Sequence[Path]) -> None:
        """From wherever the folder's checkpoint stands to the end, and export the weights."""
        run, options = self.run, self.options
        if run.world.leads:
            make_folder(run.folder)
        if options.resume and run.checkpoint.exists():
            self.seconds = run.resume()
        elif options.start is not None:
            load_start(run.codec, options.start, options.fresh)
        else:
            run.start_from_data()
        log = None
        if run.world.leads:
            write_atomically(run.folder / "recipe.yaml", run.codec.recipe.to_yaml().encode())
            settings = run.settings
            write_provenance(run.folder, settings.seed, data, run.photographs, run.world, options.start)
            log = RunLog(run.folder, options.report, options.tensorboard)
            log.rewind(run.done)
        try:
            self._tell(self.listeners.start)
            self._steps(log)
        finally:
            if log is not None:
                log.close()
        if run.world.leads:
            run.trained().freeze().save(run.folder / WEIGHTS)
        self._tell(self.listeners.end)

    def _steps(self, log: RunLog | None) -> None:
        run, started = self.run, time.monotonic() - self.seconds
        saved = logged = time.monotonic()
        logged_at = run.done
        self._tell_time(started)
        while run.share < 1:
            run.step()
            self.options.tick(run.share)
            if run.world.size == 1:
                self._tell_time(started)
            ends = run.share >= 1
            if run.done % self.options.log_every == 0 or ends:
                self._tell_time(started)
                self._line(log, run.done - logged_at, time.monotonic() - logged)
                logged, logged_at = time.monotonic(), run.done
            stops = self._stops()
            due = run.done % self.options.log_every == 0 and time.monotonic() - saved > CHECKPOINT_SECONDS
            if stops or ends or due:
                saved = time.monotonic()
                self._save()
            if stops:
                raise KeyboardInterrupt

    def _line(self, log: RunLog | None, steps: int, seconds: float) -> None:
        run = self.run
        try:
            means = run.means()
        except TrainingError:
            self._write_checkpoint()  # the bad steps changed nothing
            raise
        if log is None:
            return
        progress = self._progress(means, steps, seconds)
        log.write(progress)
        self._tell(partial(self.listeners.log, progress))

    def _progress(self, means: Means, steps: int, seconds: float) -> Progress:
        run = self.run
        crop, batch = crops(run.settings, run.share)
        share = min(max(run.share, 1e-9), 1.0)  # the last step of a time limit ends past it
        return Progress(
            step=run.done,
            steps=run.settings.steps,
            seconds=self.seconds,
            seconds_left=self.seconds / share * (1 - share),
            loss=means.loss,
            bpp=means.bpp,
            psnr=10 * math.log10(255**2 / means.mse) if means.mse > 0 else math.inf,
            distortion=means.distortion,
            learning_rate=float(run.optimizer.param_groups[0]["lr"]),
            gradient_norm=means.gradient_norm,
            steps_per_second=steps / seconds if seconds else math.nan,
            megapixels_per_second=steps * batch * crop**2 / 1e6 / seconds if seconds else math.nan,
            model=self.index,
            models=self.models,
        )

    def _moment(self) -> Moment:
        run = self.run
        return Moment(
            folder=run.folder,
            recipe=run.codec.recipe,
            step=run.done,
            steps=run.settings.steps,
            seconds=self.seconds,
            model=self.index,
            models=self.models,
            trained=run.trained,
        )

    def _tell(self, listeners: Callable[[], None]) -> None:
        """Tell callbacks; if one fails, nothing that was trained is lost."""
        try:
            listeners()
        except PluginError:
            self._write_checkpoint()
            raise

    def _tell_time(self, started: float) -> None:
        """Bring seconds and, where time is limited, the share up to date; the same in every process."""
        self.seconds = float(self._agreed(time.monotonic() - started))
        if self.options.minutes is not None:
            self.run.share = max(self.run.share, self.seconds / (60 * self.options.minutes))

    def _stops(self) -> bool:
        """Whether somebody interrupted; several processes must agree when, and do so where they log."""
        if self.run.world.size == 1:
            return self.interrupt.wanted
        if self.run.done % self.options.log_every:
            return False
        return bool(self._agreed(float(self.interrupt.wanted)))

    def _agreed(self, value: float) -> float:
        """The first process's value."""
        world = self.run.world
        if world.size == 1:
            return value
        mine = value if world.leads else 0.0
        return float(world.total(torch.tensor(mine, dtype=torch.float64, device=world.device)))

    def _save(self) -> None:
        self._write_checkpoint()
        self.listeners.checkpoint()

    def _write_checkpoint(self) -> None:
        if self.run.world.leads:
            self.run.save(self.seconds)


def _check_folder(folder: Path, options: Options) -> None:
    if not options.resume and (folder / CHECKPOINT).exists():
        raise TrainingError(
            f"{folder} holds an earlier run", hint="add --resume to go on with it, or name another folder with --out"
        )
