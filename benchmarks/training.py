"""Speed of a training step beside CompressAI's own, for the same networks, batch, crop and device.

::

    python benchmarks/training.py
    python benchmarks/training.py --pair cheng2020-anchor --batch 4 --crop 256 --rounds 7
    python benchmarks/training.py --device cuda --batch 16 --steps 50 --compile

Needs CompressAI (made for 1.2.8) beside plic; README.md says how it is installed.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
import torch
from PIL import Image
from rivals import import_compressai
from torch import Tensor

from plic.core.recipe import Recipe, load_recipe
from plic.core.report import report_on
from plic.core.training import Photographs, TrainingRun, World

WARM_UP = 2
PICTURES, SIDE = 4, 768
LARGEST_PRODUCT = 16384
OF_A_STEP = 3
"""Passes that a step amounts to: one forward, and two of the same arithmetic backward."""


@dataclass(frozen=True)
class Pair:
    """A recipe, and the class of ``compressai.models`` with the same networks; ``widths`` are its arguments."""

    recipe: str
    model: str
    widths: tuple[int, ...]


PAIRS = (
    Pair("balle2018", "ScaleHyperprior", (128, 192)),
    Pair("minnen2018-mean", "MeanScaleHyperprior", (128, 192)),
    Pair("minnen2018", "JointAutoregressiveHierarchicalPriors", (192, 192)),
    Pair("cheng2020-anchor", "Cheng2020Anchor", (128,)),
)


@dataclass(frozen=True)
class Work:
    """What both sides do in a step, on which device, and the clock to time it with."""

    batch: int
    crop: int
    device: torch.device
    clock: Callable[[], float]

    @property
    def pixels(self) -> int:
        """Of all crops of a step."""
        return self.batch * self.crop**2

    def now(self) -> float:
        """Seconds, once the device has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return self.clock()


@dataclass
class Contestant:
    """Somebody's training step, and the seconds per step of each block so far."""

    name: str
    step: Callable[[], None]
    parameters: int
    seconds: list[float] = field(default_factory=list)

    def block(self, steps: int, work: Work) -> None:
        """Time some steps."""
        started = work.now()
        for _ in range(steps):
            self.step()
        self.seconds.append((work.now() - started) / steps)


@click.command()
@click.option("--pair", "names", multiple=True, type=click.Choice([pair.recipe for pair in PAIRS]), help="Repeatable.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--batch", type=click.IntRange(min=1), default=4, show_default=True, help="Crops per step.")
@click.option("--crop", type=click.IntRange(min=64), default=256, show_default=True, help="Side of a crop in pixels.")
@click.option("--steps", type=click.IntRange(min=1), default=3, show_default=True, help="Steps in a block.")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="Blocks of each.")
@click.option("--precision", "precisions", multiple=True, default=["float32"], show_default=True, help="Of plic.")
@click.option("--processor-time", is_flag=True, help="Count the processor's seconds: for a busy machine, and the CPU.")
@click.option("--compile", "compiled", is_flag=True, help="Compile plic's transforms.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of torch.")
def main(
    names: tuple[str, ...],
    device: str,
    batch: int,
    crop: int,
    steps: int,
    rounds: int,
    precisions: tuple[str, ...],
    processor_time: bool,
    compiled: bool,
    threads: int | None,
) -> None:
    """Time blocks of steps in turns and print medians, with the lowest and the highest in brackets."""
    if threads is not None:
        torch.set_num_threads(threads)
    work = Work(batch, crop, torch.device(device), time.process_time if processor_time else time.perf_counter)
    where = (
        torch.cuda.get_device_name(work.device) if work.device.type == "cuda" else f"{torch.get_num_threads()} threads"
    )
    click.echo(
        f"{device} ({where}), torch {torch.__version__}, {batch} crops of {crop}x{crop}, {steps} steps in a block"
    )
    peaks = {dtype: matrix_peak(work, dtype) for dtype in (torch.bfloat16, torch.float32)}
    told = ", ".join(
        f"{peak / 1e12:.3g} TFLOP/s in {str(dtype).removeprefix('torch.')}" for dtype, peak in peaks.items()
    )
    click.echo(f"best of large matrix products: {told}; the higher one is the peak below")
    photographs = Photographs(list(synthetic()), work.device)
    for pair in PAIRS:
        if not names or pair.recipe in names:
            with tempfile.TemporaryDirectory() as folder:
                race(pair, work, precisions, compiled, photographs, Path(folder), steps, rounds, max(peaks.values()))


def race(
    pair: Pair,
    work: Work,
    precisions: Sequence[str],
    compiled: bool,
    photographs: Photographs,
    folder: Path,
    steps: int,
    rounds: int,
    peak: float,
) -> None:
    """Let all sides of a pair train in turns, and print."""
    first = recipe_for(pair, work, "float32")
    contestants = [compressai(pair, work, photographs, first.training.lambdas[0])]
    contestants += [plic_run(recipe_for(pair, work, one), work, photographs, folder, compiled) for one in precisions]
    for contestant in contestants:
        contestant.block(WARM_UP, work)
        contestant.seconds.clear()
    for _ in range(rounds):
        for contestant in contestants:
            contestant.block(steps, work)
    macs = sum(report_on(first, width=work.crop, height=work.crop).macs_per_pixel.values())
    click.echo(f"\n{pair.recipe}, {macs / 1000:.0f}k multiply-accumulates per pixel")
    click.echo(
        f"  {'':<26}{'M params':>9}{'s/step':>26}{'steps/s':>9}{'Mpixel/s':>10}{'TFLOP/s':>9}{'of peak':>9}  time"
    )
    for contestant in contestants:
        click.echo(line(contestant, contestants[0], work.pixels, 2 * OF_A_STEP * macs * work.pixels, peak))


def line(contestant: Contestant, rival: Contestant, pixels: int, operations: float, peak: float) -> str:
    """One row; the last column compares blocks that followed one another."""
    seconds = median(contestant.seconds)
    ratios = [ours / theirs for ours, theirs in zip(contestant.seconds, rival.seconds, strict=True)]
    spread = f"{seconds:.4f} ({min(contestant.seconds):.4f}..{max(contestant.seconds):.4f})"
    speed = operations / seconds
    return (
        f"  {contestant.name:<26}{contestant.parameters / 1e6:>9.2f}{spread:>26}{1 / seconds:>9.2f}"
        f"{pixels / seconds / 1e6:>10.2f}{speed / 1e12:>9.3g}{speed / peak:>9.1%}"
        f"  {median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})"
    )


def recipe_for(pair: Pair, work: Work, precision: str) -> Recipe:
    """The recipe, to be trained as its rival is."""
    settings = {"batch": work.batch, "crop": work.crop, "precision": precision, "learning_rate": 1e-4, "clip": 1.0}
    return load_recipe(pair.recipe, {f"training.{key}": value for key, value in settings.items()})


def plic_run(recipe: Recipe, work: Work, photographs: Photographs, folder: Path, compiled: bool) -> Contestant:
    """A step of plic's, as `plic train` takes it: crops are cut within."""
    run = TrainingRun(recipe, photographs, folder, model=0, world=World(work.device), compiled=compiled)
    name = f"plic, {recipe.training.precision}{', compiled' if compiled else ''}"
    return Contestant(name, run.step, sum(parameter.numel() for parameter in run.codec.parameters()))


def compressai(pair: Pair, work: Work, photographs: Photographs, multiplier: float) -> Contestant:
    """The step of CompressAI's examples/train.py, on crops that lie ready; what it prints is left out."""
    import_compressai()
    from compressai import losses, models, optimizers

    torch.manual_seed(0)
    model = getattr(models, pair.model)(*pair.widths).to(work.device).train()
    criterion = losses.RateDistortionLoss(lmbda=multiplier)
    rates = {"net": {"type": "Adam", "lr": 1e-4}, "aux": {"type": "Adam", "lr": 1e-3}}
    optimizer, aux_optimizer = optimizers.net_aux_optimizer(model, rates).values()
    batches = cycle(_batches(photographs, work))

    def step() -> None:
        x = next(batches)
        optimizer.zero_grad()
        aux_optimizer.zero_grad()
        criterion(model(x), x)["loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        model.aux_loss().backward()
        aux_optimizer.step()

    trained = [one for name, one in model.named_parameters() if not name.endswith(".quantiles")]
    return Contestant("CompressAI, float32", step, sum(parameter.numel() for parameter in trained))


def _batches(photographs: Photographs, work: Work) -> list[Tensor]:
    """Random crops, in the memory layout of a data loader's."""
    random = np.random.default_rng(0)
    step = torch.ones(work.batch, dtype=torch.int64, device=work.device)
    found = []
    for _ in range(8):
        top, left = random.integers(SIDE - work.crop + 1, size=(2, work.batch))
        start = random.choice(photographs.starts, work.batch) + top * SIDE + left
        x = photographs.gather(torch.from_numpy(start).to(work.device), SIDE * step, step, work.crop)
        found.append(x.contiguous())
    return found


def synthetic() -> Iterator[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Smooth pictures with some noise, to cut crops from; a step takes as long whatever they show."""
    random = np.random.default_rng(0)
    for _ in range(PICTURES):
        coarse = random.integers(0, 256, (SIDE // 32, SIDE // 32, 3), dtype=np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        yield np.clip(smooth + random.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)


def matrix_peak(work: Work, dtype: torch.dtype) -> float:
    """Floating-point operations per second of the best of some matrix products, each larger than the one before."""
    best, seconds, side = 0.0, 0.0, 128
    while seconds < 0.1 and side < LARGEST_PRODUCT:
        side *= 2
        a, b = (torch.randn(side, side, device=work.device).to(dtype) for _ in range(2))
        for _ in range(3):
            started = work.now()
            a @ b
            seconds = work.now() - started
            best = max(best, 2 * side**3 / seconds)
    return best


if __name__ == "__main__":
    main()
