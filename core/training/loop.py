"""The training loop."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ..codec import Codec, CodecOutput, assemble
from ..errors import FileError, TrainingError
from ..files import write_atomically
from ..recipe import Recipe
from .checkpoint import load_checkpoint, save_checkpoint
from .data import CropSource

LOG_EVERY = 50
CHECKPOINT = "checkpoint.pt"
CHECKPOINT_SECONDS = 120.0


@dataclass(frozen=True)
class Progress:
    """One line of the training log: means since the line before. Seconds include those of earlier, resumed runs."""

    step: int
    seconds: float
    loss: float
    bpp: float
    psnr: float
    learning_rate: float


class TrainingRun:
    """One model in training.

    Args:
        recipe: what to train.
        data: folders of photographs.
        folder: where checkpoint, log and resolved recipe go.
        model: index into the recipe's lambdas, for a recipe of fixed rate; None for a variable-rate one. The recipe
            in the weights then states this one lambda.
        minutes: limit on wall-clock time; the learning rate decays towards whichever limit comes first.

    Raises:
        TrainingError: there are no photographs.
    """

    def __init__(
        self, recipe: Recipe, data: Sequence[Path], folder: Path, model: int | None, minutes: float | None = None
    ) -> None:
        if model is not None:
            one = recipe.training.model_copy(update={"lambdas": [recipe.training.lambdas[model]]})
            recipe = replace(recipe, training=one)
        self.settings = recipe.training
        self.folder = folder
        _make(folder)
        self.minutes = minutes
        torch.manual_seed(self.settings.seed)
        self.codec: Codec = assemble(recipe)
        self.lambdas = torch.tensor(self.settings.lambdas)
        # relative to the geometric mean, so that the loss keeps its size
        self._balance = (self.lambdas / self.lambdas.log().mean().exp()) ** -self.settings.balance
        self.crops = CropSource(data, self.settings.crop, self.settings.seed)
        self.optimizer = torch.optim.Adam(self.codec.parameters(), lr=self.settings.learning_rate)
        self.step = 0
        self.seconds = 0.0
        write_atomically(folder / "recipe.yaml", recipe.to_yaml().encode())

    @property
    def checkpoint(self) -> Path:
        """Where the run's state is kept."""
        return self.folder / CHECKPOINT

    def resume(self) -> None:
        """Go on from the checkpoint in the folder.

        Raises:
            TrainingError: there is none, or it is of another recipe.
        """
        self.step, self.seconds = load_checkpoint(self.checkpoint, self.codec, self.optimizer)

    def run(self, report: Callable[[Progress], None]) -> Codec:
        """Train to the end, saving a checkpoint every two minutes, at the end and when interrupted.

        Raises:
            TrainingError: the loss or a gradient is not finite.
        """
        if self.step == 0 and self.settings.data_driven_start:
            self.codec.transform.start_from(iter(self.crops))
        self.codec.train()
        started, saved = time.monotonic() - self.seconds, time.monotonic()
        sums, counted = torch.zeros(3, dtype=torch.float64), 0
        try:
            while self._progress() < 1:
                sums += self._train_step()
                counted, self.step = counted + 1, self.step + 1
                self.seconds = time.monotonic() - started
                if self.step % LOG_EVERY == 0 or self._progress() >= 1:
                    self._log(sums / counted, report)
                    sums, counted = torch.zeros_like(sums), 0
                if time.monotonic() - saved > CHECKPOINT_SECONDS:
                    saved = time.monotonic()
                    self._save()
        except KeyboardInterrupt:
            self._save()
            raise
        self._save()
        return self.codec.eval()

    def _save(self) -> None:
        save_checkpoint(self.checkpoint, self.codec, self.optimizer, self.step, self.seconds)

    def _progress(self) -> float:
        """Share of the run that is done, by steps or by time."""
        by_steps = self.step / self.settings.steps if self.settings.steps else 1.0
        return by_steps if self.minutes is None else max(by_steps, self.seconds / (60 * self.minutes))

    def _train_step(self) -> Tensor:
        """One optimiser step; returns loss, bpp and 255^2 * MSE, means over the batch."""
        settings = self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * self._learning_rate_factor()
        x = self.crops.batch(settings.batch)
        quality = torch.randint(len(self.lambdas), (settings.batch,))
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bfloat16"):
            output: CodecOutput = self.codec(x, quality)
        bpp = (output.bits_y + output.bits_z) / x[0, 0].numel()
        distortion = self.codec.distortion(x, output.x_hat)
        loss = ((bpp + self.lambdas[quality] * distortion) * self._balance[quality]).mean()
        if not bool(torch.isfinite(loss)):
            raise self._not_finite("loss")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.codec.parameters(), settings.clip)
        if not bool(torch.isfinite(norm)):
            raise self._not_finite("gradient")
        self.optimizer.step()
        mse = (x - output.x_hat.detach().float()).square().mean() * 255**2
        return torch.stack((loss.detach(), bpp.detach().mean(), mse)).double()

    def _learning_rate_factor(self) -> float:
        """Linear warm-up, then flat, then a cosine to zero over the last part of the run."""
        settings = self.settings
        warm = min(1.0, (self.step + 1) / settings.warmup) if settings.warmup else 1.0
        if settings.decay_fraction == 0:
            return warm
        into_decay = (self._progress() - (1 - settings.decay_fraction)) / settings.decay_fraction
        return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, into_decay))))

    def _log(self, means: Tensor, report: Callable[[Progress], None]) -> None:
        loss, bpp, mse = means.tolist()
        rate = float(self.optimizer.param_groups[0]["lr"])
        progress = Progress(self.step, self.seconds, loss, bpp, 10 * math.log10(255**2 / mse), rate)
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(asdict(progress)) + "\n")
        report(progress)

    def _not_finite(self, what: str) -> TrainingError:
        layers = [
            name
            for name, parameter in self.codec.named_parameters()
            if not bool(torch.isfinite(parameter).all())
            or (parameter.grad is not None and not bool(torch.isfinite(parameter.grad).all()))
        ]
        return TrainingError(
            f"the {what} is not finite at step {self.step}",
            got=f"non-finite weights or gradients in {', '.join(layers[:3]) or 'no layer yet'}",
            hint="lower training.learning_rate or training.clip, and go on from the checkpoint with --resume",
        )


def train(
    recipe: Recipe,
    data: Sequence[Path],
    out: Path,
    *,
    minutes: float | None = None,
    resume: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
) -> None:
    """Train every model of a recipe and export frozen weights.

    A recipe whose rate part has several levels gives one model, otherwise there is one per lambda, in folders
    ``out/0``, ``out/1``, ... Each folder receives checkpoint, log, resolved recipe and ``weights.safetensors``.

    Args:
        recipe: what to train.
        data: folders of photographs.
        out: folder for the results.
        minutes: limit on wall-clock time per model.
        resume: go on from the checkpoints in ``out``, where there are any.
        report: called with each line of the log.

    Raises:
        TrainingError: training cannot start or go on.
    """
    lambdas = recipe.training.lambdas
    variable = assemble(recipe).rate.levels > 1
    models: list[int | None] = [None] if variable else list(range(len(lambdas)))
    for model in models:
        folder = out if len(models) == 1 else out / str(model)
        if not resume and (folder / CHECKPOINT).exists():
            raise TrainingError(
                f"{folder} holds an earlier run",
                hint="add --resume to go on with it, or name another folder with --out",
            )
        run = TrainingRun(recipe, data, folder, model, minutes)
        if run.checkpoint.exists():
            run.resume()
        run.run(report).freeze().save(folder / "weights.safetensors")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            "the folder cannot be made", got=f"{folder}: {error.strerror}", hint="name another folder with --out"
        ) from error
