"""What coding adds to the model's own cross-entropy: bytes of the latents' sections against the bits of the model.

::

    python benchmarks/rate_overhead.py --data FOLDER
    python benchmarks/rate_overhead.py --data FOLDER --model house --quality 0 --quality 7 --coder torchac
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

import plic
from plic.core.container import SectionKind, unpack
from plic.core.frozen import FrozenCodec
from plic.core.image import Picture, find_pictures, read_picture


@click.command()
@click.option("--data", required=True, metavar="DIR", help="Folder of pictures.")
@click.option("--model", metavar="NAME|FILE", help="Recipe or weights file; plic's default codec when not given.")
@click.option("--quality", "qualities", type=click.IntRange(min=0), multiple=True, help="Repeatable; all by default.")
@click.option("--coder", metavar="ID", help="Entropy coder, instead of the recipe's own.")
def main(data: str, model: str | None, qualities: tuple[int, ...], coder: str | None) -> None:
    """Print the overhead at each quality: over all pictures together, and of the worst picture."""
    try:
        codec = plic.load(model)
        paths = find_pictures(data)
        levels = [codec.level(quality) for quality in qualities or range(codec.networks.rate.levels)]
        click.echo(f"{len(paths)} pictures, coder {coder or codec.recipe.coder.id}")
        click.echo("quality  section bytes     model bytes   overhead  bytes/picture       worst  in")
        for level in levels:
            click.echo(line(level, paths, [sizes(codec, read_picture(path), level, coder) for path in paths]))
    except plic.PlicError as error:
        raise click.ClickException(str(error)) from error


def sizes(codec: FrozenCodec, picture: Picture, quality: float, coder: str | None) -> tuple[int, float]:
    """Bytes of the coded latents, and bytes that the model's cross-entropy amounts to."""
    encoded = codec.encode_batch([picture], quality=quality, coder=coder, count_bits=True)[0]
    kinds = (SectionKind.SIDE, SectionKind.LATENT)
    return sum(len(one.payload) for one in unpack(encoded.data).sections if one.kind in kinds), encoded.bits / 8


def line(level: float, paths: Sequence[Path], measured: Sequence[tuple[int, float]]) -> str:
    """One quality."""
    coded, model = sum(one for one, _ in measured), sum(one for _, one in measured)
    worst, path = max((one / other - 1, path) for (one, other), path in zip(measured, paths, strict=True))
    return (
        f"{level:>7}  {coded:>13,}  {model:>14,.1f}  {100 * (coded / model - 1):>7.3f} %"
        f"  {(coded - model) / len(paths):>13.1f}  {100 * worst:>8.3f} %  {path.name}"
    )


if __name__ == "__main__":
    main()
