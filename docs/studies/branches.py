"""What each residual branch of trained `patch` weights contributes: it is left out, and real files are made without it.

::

    python docs/studies/branches.py house --val pictures

Nothing is trained again, so that this is no ablation: a branch that is missed may be one that others could replace. But
a branch that nobody misses is not worth its time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

import click
import torch
from torch import Tensor, nn

from plic import load
from plic.core.evaluation import psnr
from plic.core.frozen import FrozenCodec
from plic.core.image import Picture, find_pictures, read_picture

STACKS = ("analysis_fine", "analysis_coarse", "synthesis_fine", "synthesis_coarse")
BRANCHES = ("spatial", "mixing")


@click.command()
@click.argument("model", default="house")
@click.option("--val", "folder", required=True, metavar="DIR", help="Pictures to measure on.")
@click.option("--quality", "qualities", type=float, multiple=True, default=(1, 3, 5, 7), help="Repeatable.")
@click.option("--every", type=click.IntRange(min=1), default=4, show_default=True, help="Use every Nth picture.")
def main(model: str, folder: str, qualities: tuple[float, ...], every: int) -> None:
    """Change in rate and PSNR without each branch."""
    codec = load(model)
    pictures = [read_picture(path) for path in find_pictures(Path(folder))[::every]]
    whole = measured(codec, pictures, qualities)
    click.echo("| left out | " + " | ".join(f"quality {quality:g}" for quality in qualities) + " |")
    click.echo("|---|" + "---|" * len(qualities))
    for name, branch in branches(codec.networks.transform):
        with silent(branch):
            changes = zip(measured(codec, pictures, qualities), whole, strict=True)
            cells = [f"{100 * (rate / had - 1):+.1f} %, {db - was:+.2f} dB" for (rate, db), (had, was) in changes]
        click.echo(f"| {name} | " + " | ".join(cells) + " |")


def branches(transform: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Name and last layer of each branch that there is."""
    for stack in STACKS:
        for index, block in enumerate(getattr(transform, stack)):
            for name in BRANCHES:
                if (branch := getattr(block, name)) is not None:
                    yield f"`{stack}.{index}.{name}`", branch[-1]


@contextmanager
def silent(layer: nn.Module) -> Iterator[None]:
    """Let a layer give zeros."""

    def zeros(_: nn.Module, __: object, output: Tensor) -> Tensor:
        return torch.zeros_like(output)

    handle = layer.register_forward_hook(zeros)
    try:
        yield
    finally:
        handle.remove()


def measured(codec: FrozenCodec, pictures: Sequence[Picture], qualities: Sequence[float]) -> list[tuple[float, float]]:
    """Mean bits of the sections per pixel, and mean PSNR, at each quality."""
    return [
        (fmean(rates), fmean(values))
        for quality in qualities
        for rates, values in [zip(*(point(codec, picture, quality) for picture in pictures), strict=True)]
    ]


def point(codec: FrozenCodec, picture: Picture, quality: float) -> tuple[float, float]:
    """Bits of the latents per pixel, and PSNR."""
    latents = codec.analyse([picture], quality=quality)
    [coded] = codec.encode_latents([picture], latents, quality=quality, count_bits=True)
    decoded = codec.decode_picture(coded.data)
    return coded.bits / (picture.width * picture.height), psnr(picture.pixels, decoded.pixels)


if __name__ == "__main__":
    main()
