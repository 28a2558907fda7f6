"""One run, from its recipe to its result: what an engine carries out, in whatever process.

    train (or go on) ── weights of each model ── code every picture ── result.json

Everything is found again in the folder: a task that is carried out again goes on where it stopped.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..api import load_file
from ..evaluation import Evaluation, evaluate
from ..files import make_folder, write_atomically
from ..recipe import Recipe, recipe_from_text
from ..threads import threads as torch_threads
from ..training import Options, train
from ..training.loop import WEIGHTS
from ..training.progress import LOG, Progress
from .qualities import places
from .records import FAILURE, RECIPE, TRAINING, RunResult, write_result

TRAINED = 0.9
"""Share of a run's progress when training ends and measuring begins, for displays."""
LINES = 20
"""Lines of a training log at least, however short the run."""

Tell = Callable[[float, str], None]
"""Told the share of a run that is done, and a line about it, which may be empty."""


@dataclass(frozen=True)
class Task:
    """One cell under one seed. It holds plain data, so that it can be sent to other processes and machines.

    Attributes:
        key: that names the run.
        label: of the cell.
        seed: of training.
        recipe: resolved, as YAML.
        folder: for everything that the run leaves; it must be the same folder for whoever takes the task over.
        data: folders of photographs.
        pictures: folder of pictures to evaluate on.
        qualities: to evaluate; all where it is empty.
        start: weights to begin with.
        fresh: slots that begin anew all the same.
        device: as `plic.core.training.Options.device`.
        threads: of torch.
        workers: that work side by side.
    """

    key: str
    label: str
    seed: int
    recipe: str
    folder: Path
    data: tuple[Path, ...]
    pictures: Path
    qualities: tuple[float, ...] = ()
    start: Path | None = None
    fresh: tuple[str, ...] = ()
    device: str = "auto"
    threads: int = 1
    workers: int = 1

    @property
    def name(self) -> str:
        """For people: cell and seed."""
        return f"{self.label} (seed {self.seed})"

    def execute(self, tell: Tell) -> RunResult:
        """Train and measure, from wherever the folder stands.

        Args:
            tell: is told how it goes.

        Raises:
            PlicError: it cannot be done.
            KeyboardInterrupt: it was interrupted; what was trained is in the checkpoint.
        """
        recipe = recipe_from_text(self.recipe, self.name)
        make_folder(self.folder)
        (self.folder / FAILURE).unlink(missing_ok=True)
        write_atomically(self.folder / RECIPE, self.recipe.encode())
        with torch_threads(self.threads):
            self._train(recipe, tell)
            evaluations = self._evaluate(recipe, tell)
        training = self.folder / TRAINING
        result = RunResult(
            key=self.key,
            label=self.label,
            seed=self.seed,
            recipe=recipe.resolved(),
            training_seconds=sum(_seconds(path.parent) for path in _weights(training)),
            workers=self.workers,
            device=_device(_weights(training)[0].parent),
            evaluations=tuple(evaluations),
        )
        write_result(self.folder, result)
        return result

    def keep_failure(self, error: BaseException) -> str:
        """Write an error's traceback into the folder, and return it."""
        text = "".join(traceback.format_exception(error))
        make_folder(self.folder)
        write_atomically(self.folder / FAILURE, text.encode())
        return text

    def _train(self, recipe: Recipe, tell: Tell) -> None:
        steps = recipe.training.steps
        options = Options(
            resume=True,
            start=self.start,
            fresh=self.fresh,
            device=self.device,
            log_every=max(1, min(50, steps // LINES)),
            report=partial(_told, tell),
        )
        train(recipe, self.data, self.folder / TRAINING, options)

    def _evaluate(self, recipe: Recipe, tell: Tell) -> list[Evaluation]:
        evaluations = []
        chosen = places(recipe, self.qualities)
        weights = _weights(self.folder / TRAINING)
        for index, path in enumerate(weights):
            if (levels := chosen.get(index)) is None:
                continue

            def counted(done: int, total: int, index: int = index) -> None:
                share = (index + done / total) / len(weights)
                tell(TRAINED + (1 - TRAINED) * share, f"measuring {done}/{total}" if done == total else "")

            found = evaluate(
                load_file(path),
                self.pictures,
                levels or None,
                model=self.label,
                threads=self.threads,
                progress=counted,
            )
            evaluations.append(found)
        return evaluations


def _told(tell: Tell, progress: Progress) -> None:
    share = (progress.model + progress.step / max(1, progress.steps)) / progress.models
    model = f"model {progress.model + 1}/{progress.models}  " if progress.models > 1 else ""
    line = f"{model}step {progress.step}/{progress.steps}  {progress.bpp:.4f} bpp  {progress.psnr:.2f} dB"
    tell(TRAINED * share, line)


def _weights(folder: Path) -> list[Path]:
    """Files of weights that training left, in the order of the models."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    return sorted(folder.glob(f"*/{WEIGHTS}"), key=lambda path: int(path.parent.name))


def _seconds(folder: Path) -> float:
    """That training took, by the last line of its log; there is none after no steps."""
    lines = (folder / LOG).read_text().splitlines() if (folder / LOG).is_file() else []
    return float(json.loads(lines[-1])["seconds"]) if lines else 0.0


def _device(folder: Path) -> str:
    return str(json.loads((folder / "run.json").read_text())["parts"][-1]["device"])
