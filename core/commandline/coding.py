"""``plic encode``, ``decode`` and ``inspect``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ..memory import keep_freed_memory
from .shared import force_option, inputs_argument, model_option, out_option, print_rows, refining, threads_option

if TYPE_CHECKING:
    from ..commands.coding import Coded


@click.command()
@inputs_argument
@out_option
@model_option
@click.option(
    "--quality",
    type=click.FloatRange(min=0),
    metavar="X",
    help="Quality: a level, 0 is the lowest, or a point between two; the highest is the default.",
)
@click.option(
    "--target-bpp",
    type=click.FloatRange(min=0, min_open=True),
    metavar="X",
    help="Highest quality whose file takes at most so many bits per pixel.",
)
@click.option(
    "--target-psnr",
    type=click.FloatRange(min=0, min_open=True),
    metavar="DB",
    help="Lowest quality whose picture has at least this PSNR.",
)
@click.option("--coder", metavar="ID", help="Entropy coder, instead of the recipe's own.")
@refining
@threads_option
@force_option
def encode(inputs: tuple[str, ...], **options: Any) -> None:
    """Encode pictures into .plic files."""
    from ..commands.coding import encode_files
    from ..commands.refining import RefiningDisplay

    keep_freed_memory()
    display = RefiningDisplay()
    try:
        for coded in encode_files(inputs, progress=display.tick, **options):
            display.close()
            click.echo(_coded_line(coded), err=True)
    finally:
        display.close()


def _coded_line(coded: Coded) -> str:
    line = f"{coded.source} -> {coded.target}: {coded.size} bytes, {coded.bits_per_pixel:.4f} bpp"
    if (targeted := coded.targeted) is not None:
        from ..container.stream import quality_text

        reached = "" if targeted.psnr is None else f"{targeted.psnr:.3f} dB, "
        line = f"{line}, {reached}quality {quality_text(targeted.quality)}, {targeted.encodes} encodes"
    if (refinement := coded.refinement) is None:
        return line
    before, after = refinement.before.total, refinement.after.total
    change = f"cost {before:.4f} -> {after:.4f} ({100 * (after / before - 1) if before else 0:+.2f} %)"
    return f"{line}, {change} in {refinement.iterations} iterations, {refinement.seconds:.1f} s"


@click.command()
@inputs_argument
@out_option
@model_option
@threads_option
@force_option
def decode(inputs: tuple[str, ...], **options: Any) -> None:
    """Decode .plic files into pictures. OUT's extension says in which format."""
    from ..commands.coding import decode_files

    keep_freed_memory()
    for coded in decode_files(inputs, **options):
        click.echo(f"{coded.source} -> {coded.target}", err=True)


@click.command()
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(file: str, as_json: bool) -> None:
    """Print what a .plic file says about itself; needs no weights."""
    from ..commands.coding import inspect_file

    facts = inspect_file(file)
    if as_json:
        click.echo(json.dumps(facts.as_dict(), indent=2))
    else:
        print_rows(facts.rows())
