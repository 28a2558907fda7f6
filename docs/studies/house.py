"""The ablations behind the recipe `house`: each variant trained alike, then measured on real files.

::

    python docs/studies/house.py --data photographs --val pictures --start weights/house.safetensors --out study
    python docs/studies/house.py ... house house-gaussian          # some variants only

What is in the folder already is not done again. The table compares with the first variant; rates are of the sections of
the files, without headers and ICC profiles, seconds are means of one process on the pictures as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import click

from plic import load
from plic.core.evaluation import Curve, Evaluation, bd_rate, evaluate, read_evaluations, write_evaluations
from plic.core.recipe import load_recipe
from plic.core.training import Options, train

VARIANTS = (
    "house",
    "house-checkerboard",
    "house-one-step",
    "house-groups",
    "house-wide-context",
    "house-gaussian",
    "house-laplacian",
    "house-gmm",
    "house-gllmm",
    "house-mean-centred",
    "house-mixing",
    "house-finest",
)
TRAINING = {
    "training.steps": 800,
    "training.crop": 128,
    "training.learning_rate": 6e-4,
    "training.warmup": 50,
    "training.decay_fraction": 0.6,
    "training.average": 0.99,
}
FRESH = ("context",)
QUALITIES = (1, 3, 5, 7)
TABLE = """
| recipe | BD-rate | parameters | multiply-accumulates per pixel to decode | seconds to decode |
|---|---|---|---|---|"""


@click.command()
@click.argument("variants", nargs=-1, metavar="[RECIPE...]")
@click.option("--data", "folders", multiple=True, required=True, metavar="DIR", help="Photographs; repeatable.")
@click.option("--val", "pictures", required=True, metavar="DIR", help="Pictures to measure on.")
@click.option("--start", required=True, metavar="FILE", help="Weights that every variant begins with.")
@click.option("--out", required=True, metavar="DIR", help="Folder for the runs and results.")
def main(variants: tuple[str, ...], folders: tuple[str, ...], pictures: str, start: str, out: str) -> None:
    """Train and measure the variants, then print the table."""
    results = [
        measured(variant, Path(out), [Path(folder) for folder in folders], Path(pictures), Path(start))
        for variant in variants or VARIANTS
    ]
    click.echo(TABLE)
    for result in results:
        click.echo(row(result, results[0]))


def measured(variant: str, out: Path, folders: Sequence[Path], pictures: Path, start: Path) -> Evaluation:
    """The results of one variant, made now unless they lie there."""
    file, run = out / f"{variant}.json", out / variant
    if not file.exists():
        if not (run / "weights.safetensors").exists():
            train(load_recipe(variant, TRAINING), folders, run, Options(start=start, fresh=FRESH, resume=True))
        write_evaluations(
            file, [evaluate(load(run / "weights.safetensors"), pictures, QUALITIES, model=variant, threads=1)]
        )
    return read_evaluations(file)[0]


def row(result: Evaluation, reference: Evaluation) -> str:
    """One line of the table."""
    seconds = fmean(quality.mean.decode.total for quality in result.qualities)
    rate = "" if result is reference else f"{bd_rate(curve(reference), curve(result)):+.1f} %"
    return (
        f"| `{result.model}` | {rate} | {result.parameters:,} | {result.decode_macs_per_pixel:,.0f} | {seconds:.2f} |"
    )


def curve(result: Evaluation) -> Curve:
    """Mean rate of the sections and mean PSNR at each quality."""
    rates = [
        fmean(8 * image.section_bytes / (image.width * image.height) for image in quality.images)
        for quality in result.qualities
    ]
    return Curve(tuple(rates), tuple(quality.mean.psnr for quality in result.qualities))


if __name__ == "__main__":
    main()
