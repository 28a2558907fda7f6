"""Studies for tests: small settings, results of stand-in codecs whose curves are known, and tasks that go wrong."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluated import SECONDS
from small import SMALL, photograph

from plic.core.ablation import Design, Listener, Plan, Settings, Task, plan
from plic.core.ablation.gather import mean_over
from plic.core.ablation.records import RunResult, write_result
from plic.core.ablation.task import Tell
from plic.core.evaluation import Evaluation, ImageResult, QualityResult

COMMON = {
    **SMALL["minnen2018-mean"],
    "training.crop": 64,
    "training.batch": 1,
    "training.lambdas": [0.005],
    "training.steps": 2,
}
RATES, PSNR = (0.2, 0.4, 0.8, 1.6), (28.0, 31.0, 34.0, 37.0)


def draw_folders(folder: Path) -> None:
    """``photographs`` to train on and ``pictures`` to evaluate on."""
    for name, size in (("photographs", (80, 70)), ("pictures", (48, 32))):
        (folder / name).mkdir()
        photograph(*size, 1).save(folder / name / "a.png")


def settings(folder: Path, *swaps: str, design: Design = Design.ONE_AT_A_TIME, **changes: Any) -> Settings:
    """A study in a folder that `draw_folders` has seen; ``changes`` are fields."""
    common = {**COMMON, **changes.pop("common", {})}
    recipe = changes.pop("recipe", "minnen2018-mean")
    places: dict[str, Any] = {
        "data": [folder / "photographs"],
        "pictures": folder / "pictures",
        "out": folder / "study",
    }
    return Settings(recipe, swaps, design=design, common=common, **places, **changes)


def curves(folder: Path, *swaps: str, **changes: Any) -> Plan:
    """A study of four lambdas."""
    lambdas = {"training.lambdas": [0.002, 0.005, 0.01, 0.02]}
    return plan(settings(folder, *swaps, common=lambdas, **changes))


def write_results(study: Plan, rate: Callable[[str, int], float | None]) -> None:
    """Results as if every cell had the same qualities at so many times the base's rate; None leaves a run out.

    BD-rates are then known: ``100 * (rate - 1)`` percent.
    """
    for (label, seed), task in study.tasks.items():
        factor = rate(label, seed)
        if factor is not None:
            write_one(task, factor)


def write_one(task: Task, factor: float) -> None:
    """The result of one run, as if it had needed ``factor`` times the base's bits."""
    task.folder.mkdir(parents=True)
    result = RunResult(
        key=task.key,
        label=task.label,
        seed=task.seed,
        recipe={},
        training_seconds=12.0,
        workers=1,
        device="cpu test",
        evaluations=tuple(_evaluation(task, factor * bpp, psnr) for bpp, psnr in zip(RATES, PSNR, strict=True)),
    )
    write_result(task.folder, result)


class StandInEngine:
    """Has every result at once: other cells than the base need nine tenths of its bits."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, tasks: Sequence[Task], listener: Listener) -> None:
        """As any engine."""
        for task in tasks:
            listener.started(task)
            write_one(task, 1.0 if task.label == "base" else 0.9)
            listener.finished(task)


def _evaluation(task: Task, bpp: float, psnr: float) -> Evaluation:
    image = ImageResult(
        name="a.png",
        width=200,
        height=200,
        bytes=round(bpp * 5000),
        bpp=bpp,
        psnr=psnr,
        ms_ssim=1 - 10 ** (-(psnr - 18) / 10),
        section_bytes=round(bpp * 4900),
        model_bits=bpp * 39000,
        encode=SECONDS,
        decode=SECONDS,
    )
    found = Evaluation(
        model=task.label,
        recipe={},
        fingerprint="0123456789abcdef" * 4,
        data="pictures",
        threads=1,
        versions={"plic": "0.1.0", "platform": "test"},
        qualities=(QualityResult.of(0, [image]),),
    )
    return mean_over([found], task.label)


@dataclass(frozen=True)
class DyingTask(Task):
    """Its worker is killed."""

    def execute(self, tell: Tell) -> RunResult:
        """Die."""
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")


@dataclass(frozen=True)
class QuickTask(Task):
    """Done at once."""

    def execute(self, tell: Tell) -> RunResult:
        """Say so."""
        tell(0.5, "half")
        return RunResult(
            key=self.key, label="", seed=0, recipe={}, training_seconds=0, workers=1, device="", evaluations=()
        )


class Recorder:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.errors: dict[str, str] = {}

    def started(self, task: Task) -> None:
        self.told.append((task.label, "started"))

    def progressed(self, task: Task, share: float, line: str) -> None:
        self.told.append((task.label, line))

    def finished(self, task: Task) -> None:
        self.told.append((task.label, "finished"))

    def failed(self, task: Task, error: str) -> None:
        self.told.append((task.label, "failed"))
        self.errors[task.label] = error

    def of(self, label: str) -> Sequence[str]:
        """What was told about one task."""
        return [what for told, what in self.told if told == label]
