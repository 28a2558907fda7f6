"""What sums in single precision cost in bytes, and what they save in seconds.

::

    python benchmarks/exact_sums.py --weights double.safetensors --data FOLDER

The weights must have been frozen with sums in doubles: they are frozen once more both ways, and both codecs code the
same latents. Seconds are those of the probability networks, by turns.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

import click
import torch

import plic
from plic.core.entropy import CodedLatents
from plic.core.exact import ExactSums
from plic.core.frozen import FrozenCodec
from plic.core.image import find_pictures, read_picture
from plic.core.memory import keep_freed_memory
from plic.core.slots import LatentShape
from plic.core.stages import StageTimes
from plic.core.training.warm_start import load_start


@click.command()
@click.option("--weights", required=True, metavar="FILE", help="Frozen with sums in doubles.")
@click.option("--data", required=True, metavar="DIR", help="Folder of pictures.")
@click.option("--quality", "qualities", type=click.IntRange(min=0), multiple=True, help="Repeatable; all by default.")
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True, help="Threads of torch.")
def main(weights: str, data: str, qualities: tuple[int, ...], threads: int) -> None:
    """Print bytes and seconds at each quality."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    try:
        codecs = {sums: frozen_with(Path(weights), sums) for sums in ExactSums}
        paths = find_pictures(data)
        click.echo(f"{len(paths)} pictures, {threads} threads; medians of seconds by picture")
        click.echo(f"quality {'bytes':>12} {'single':>12} {'decode':>10} {'single':>10}")
        for quality in qualities or range(codecs[ExactSums.DOUBLE].networks.rate.levels):
            click.echo(line(quality, [one_picture(codecs, path, quality) for path in paths]))
    except plic.PlicError as error:
        raise click.ClickException(str(error)) from error


def frozen_with(weights: Path, sums: ExactSums) -> FrozenCodec:
    """The weights, frozen again."""
    recipe = plic.load(weights).recipe
    if recipe.exact_sums is not ExactSums.DOUBLE:
        raise click.ClickException(f"{weights} was frozen with sums in {recipe.exact_sums.value} precision")
    codec = plic.build(recipe.name, {"exact_sums": sums.value})
    load_start(codec, weights)
    return codec.eval().freeze()


@torch.inference_mode()
def one_picture(codecs: dict[ExactSums, FrozenCodec], path: Path, quality: float) -> tuple[list[int], list[float]]:
    """Bytes of the latents' sections and seconds of the networks in decoding them, for each codec."""
    latents = codecs[ExactSums.DOUBLE].analyse([read_picture(path)], quality=quality)
    shape = LatentShape(*latents.y.shape[1:])
    made = {sums: codec.entropy_model.encode(latents, codec.coder) for sums, codec in codecs.items()}
    works = [decoding(codec, made[sums], shape) for sums, codec in codecs.items()]
    rounds = [[work() for work in works] for _ in range(4)][1:]
    sizes = [sum(len(one or b"") for one in coded.payloads[0]) for coded in made.values()]
    return sizes, [median(seconds) for seconds in zip(*rounds, strict=True)]


def decoding(codec: FrozenCodec, coded: CodedLatents, shape: LatentShape) -> Callable[[], float]:
    """Decodes the latents and gives the seconds of the probability networks."""

    def work() -> float:
        times = StageTimes()
        codec.entropy_model.decode(coded.payloads, shape, codec.coder, times)
        return times.probability

    return work


def line(quality: float, measured: list[tuple[list[int], list[float]]]) -> str:
    """One quality."""
    double, single = (sum(sizes[index] for sizes, _ in measured) for index in (0, 1))
    slow, fast = (median(seconds[index] for _, seconds in measured) for index in (0, 1))
    change = f"{100 * (single / double - 1):+.3f} %"
    return f"{quality:>7} {double:>12,} {change:>12} {slow:>10.4f} {fast:>10.4f}"


if __name__ == "__main__":
    main()
