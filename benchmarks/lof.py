"""What refining latents gains: the cost of each picture, and BD-rate against iterations.

::

    python benchmarks/lof.py --data FOLDER --out lof.json --plot lof.png

codes every picture of a folder at some qualities with and without ``--refine``. Along the search it keeps the best cost
so far, which is exact; the last point is that of the real files. BD-rates compare the averaged curves with those of the
files without refining.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import click
import torch

import plic
from plic.core.evaluation import Curve, bd_rate
from plic.core.frozen import FrozenCodec
from plic.core.image import read_picture
from plic.core.refining import Budget, Progress, encode_refined
from plic.core.slots import Cost

MARKS = (0, 3, 5, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300)


@dataclass(frozen=True)
class Search:
    """One picture at one quality.

    Attributes:
        picture: name of its file.
        quality: level.
        before: total cost of the file without refining.
        after: of the refined file.
        points: bits per pixel and PSNR of the best so far, by the number of iterations.
        seconds: that the search took.
    """

    picture: str
    quality: int
    before: float
    after: float
    points: dict[int, tuple[float, float]]
    seconds: float


@cache
def _codec(model: str) -> FrozenCodec:
    torch.set_num_threads(1)
    return plic.load(model)


def search(model: str, path: Path, quality: int, iterations: int, refiner: str) -> Search:
    """Refine one picture."""
    best: list[Progress] = []

    def note(progress: Progress) -> None:
        if not best or progress.cost.total < best[-1].cost.total:
            best.append(progress)

    result = encode_refined(
        _codec(model), read_picture(path), refiner, quality=quality, budget=Budget(iterations), report=note
    )
    header = result.before.bits_per_pixel - best[0].cost.bits_per_pixel
    marks = [mark for mark in MARKS if mark < iterations]
    points = {mark: _point([one for one in best if one.iteration <= mark][-1].cost, header) for mark in marks}
    points |= {0: _point(result.before), iterations: _point(result.after)}
    return Search(path.name, quality, result.before.total, result.after.total, points, result.seconds)


def _point(cost: Cost, header: float = 0.0) -> tuple[float, float]:
    return cost.bits_per_pixel + header, 10 * math.log10(255**2 / cost.distortion)


def curve(searches: Sequence[Search], iterations: int) -> Curve:
    """Mean bits per pixel and PSNR over the pictures at each quality."""
    qualities = sorted({one.quality for one in searches})
    groups = [[one.points[iterations] for one in searches if one.quality == quality] for quality in qualities]
    means = [[sum(values) / len(group) for values in zip(*group, strict=True)] for group in groups]
    return Curve(tuple(rate for rate, _ in means), tuple(psnr for _, psnr in means))


def plot(gains: dict[int, float], path: Path, title: str) -> None:
    """BD-rate against iterations."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 3.6), dpi=120)
    axes.plot(list(gains), list(gains.values()), marker="o")
    axes.set_xlabel("iterations")
    axes.set_ylabel("BD-rate against no refining, %")
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path)


@click.command()
@click.option("--data", required=True, type=click.Path(exists=True, path_type=Path), help="Folder of pictures.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Results (JSON).")
@click.option("--plot", "picture", type=click.Path(path_type=Path), help="Curve of BD-rate against iterations (PNG).")
@click.option("--only", help="Comma-separated stems of the pictures; all by default.")
@click.option("--model", default="house", show_default=True)
@click.option("--refiner", default="lof", show_default=True)
@click.option("--quality", type=int, multiple=True, default=(1, 3, 5, 7), show_default=True)
@click.option("--iterations", default=100, show_default=True)
@click.option("--jobs", default=2, show_default=True, help="Processes, one thread each.")
def main(
    data: Path,
    out: Path,
    picture: Path | None,
    only: str | None,
    model: str,
    refiner: str,
    quality: tuple[int, ...],
    iterations: int,
    jobs: int,
) -> None:
    """Measure a refiner on a folder of pictures."""
    wanted = only.split(",") if only else None
    paths = [path for path in sorted(data.iterdir()) if wanted is None or path.stem in wanted]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        tasks = [pool.submit(search, model, path, level, iterations, refiner) for path in paths for level in quality]
        searches = []
        for task in tasks:
            searches.append(one := task.result())
            click.echo(
                f"{one.picture}  quality {one.quality}  cost {one.before:.4f} -> {one.after:.4f} "
                f"({100 * (one.after / one.before - 1):+.2f} %)  {one.seconds:.0f} s"
            )
    anchor = curve(searches, 0)
    gains = {mark: bd_rate(anchor, curve(searches, mark)) if mark else 0.0 for mark in searches[0].points}
    gains = dict(sorted(gains.items()))
    for mark, gain in gains.items():
        click.echo(f"{mark:>4} iterations  BD-rate {gain:+.2f} %")
    out.write_text(json.dumps({"bd_rate": gains, "searches": [asdict(one) for one in searches]}, indent=1) + "\n")
    if picture is not None:
        plot(gains, picture, f"{model}, {len(paths)} pictures, qualities {', '.join(map(str, quality))}")


if __name__ == "__main__":
    main()
