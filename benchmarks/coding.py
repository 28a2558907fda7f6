"""Seconds by stage for encoding and decoding one 768x512 picture.

::

    python benchmarks/coding.py
    python benchmarks/coding.py --recipe house --recipe fu2021 --threads 1 --runs 10
    python benchmarks/coding.py --recipe fu2021 --set schedule.use=checkerboard
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import click
import numpy as np
import torch

import plic
from plic.core.errors import WeightsError
from plic.core.frozen import FrozenCodec
from plic.core.image import Picture, read_picture
from plic.core.memory import keep_freed_memory
from plic.core.recipe import parse_overrides
from plic.core.stages import StageTimes

WIDTH, HEIGHT = 768, 512
STAGES = ("image", "transform", "probability", "coder", "total")


@click.command()
@click.option("--recipe", "recipes", multiple=True, default=["house"], show_default=True, help="Repeatable.")
@click.option("--set", "settings", multiple=True, metavar="SLOT.KEY=VALUE", help="Change the recipes; repeatable.")
@click.option("--quality", type=click.IntRange(min=0), metavar="N", help="Level; the middle one by default.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of torch.")
@click.option("--image", metavar="FILE", help="Picture, in its own size.")
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="Counted runs.")
def main(
    recipes: tuple[str, ...],
    settings: tuple[str, ...],
    quality: int | None,
    threads: int | None,
    image: str | None,
    runs: int,
) -> None:
    """Seconds by stage: the median over the runs, and the range. One run to warm up is not counted."""
    if threads is not None:
        torch.set_num_threads(threads)
    keep_freed_memory()
    picture = photograph() if image is None else read_picture(image)
    size = f"{picture.width} x {picture.height}"
    click.echo(f"{size}, {torch.get_num_threads()} threads, {runs} runs after one to warm up")
    for recipe in recipes:
        try:
            codec, state = codec_for(recipe, settings)
            bench(codec, f"{recipe}, {state}", picture, quality, runs)
        except plic.PlicError as error:
            raise click.ClickException(str(error)) from error


def bench(codec: FrozenCodec, title: str, picture: Picture, quality: int | None, runs: int) -> None:
    """Time one codec and print."""
    level = codec.level((codec.networks.rate.levels - 1) // 2 if quality is None else quality)
    data = codec.encode(picture, quality=level)
    click.echo(f"\n{title}, quality {level}: {8 * len(data) / (picture.width * picture.height):.3f} bpp")
    click.echo("".join([" " * 8, *(f"{stage:>24}" for stage in STAGES), f"{'(prob.+coder)/transform':>26}"]))
    for name, work in (
        ("encode", lambda times: codec.encode(picture, quality=level, times=times)),
        ("decode", lambda times: codec.decode_picture(data, times=times)),
    ):
        click.echo(row(name, repeat(work, runs)))


def repeat(work: Callable[[StageTimes], object], runs: int) -> list[StageTimes]:
    """Seconds of each run, one to warm up left out."""
    all_times = [StageTimes() for _ in range(runs + 1)]
    for times in all_times:
        work(times)
    return all_times[1:]


def row(name: str, all_times: Sequence[StageTimes]) -> str:
    """One line: median (lowest to highest) of each stage, and the median of the ratio."""
    cells = []
    for stage in STAGES:
        seconds = [getattr(times, stage) for times in all_times]
        cells.append(f"{median(seconds):.4f} ({min(seconds):.3f}..{max(seconds):.3f})")
    ratio = median((times.probability + times.coder) / times.transform for times in all_times)
    return "".join([f"  {name}", *(f"{cell:>24}" for cell in cells), f"{ratio:>26.2f}"])


def codec_for(recipe: str, settings: Sequence[str]) -> tuple[FrozenCodec, str]:
    """A recipe's codec and the state of its weights: trained if there are any and no setting changes the recipe."""
    if not settings:
        try:
            return plic.load(recipe), "trained"
        except WeightsError:
            pass
    torch.manual_seed(0)
    return plic.build(recipe, parse_overrides(settings)).eval().freeze(), "untrained"


def photograph() -> Picture:
    """A photograph that is part of scikit-image, mirrored at its borders to 768x512."""
    try:
        import skimage
    except ImportError as error:
        raise click.ClickException("give a picture with --image, or: pip install scikit-image") from error
    pixels = read_picture(Path(skimage.__file__).parent / "data" / "coffee.png").pixels
    height, width = pixels.shape[:2]
    return Picture(np.pad(pixels, ((0, HEIGHT - height), (0, WIDTH - width), (0, 0)), mode="symmetric"))


if __name__ == "__main__":
    main()
