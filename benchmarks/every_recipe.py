"""Every recipe at its full size, untrained, on one photograph: do the latents survive, how long, how much memory.

::

    python benchmarks/every_recipe.py --image photo.png                  all recipes
    python benchmarks/every_recipe.py --image photo.png chen2019 fu2021  some

Each recipe runs in a process of its own, twice over the picture: times are those of the second pass, when kernels are
compiled and weights prepared. Random analysis transforms give latents next to zero, so their output is scaled to a
standard deviation of two steps.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import torch

import plic
from plic.core.entropy import CodedLatents
from plic.core.image import pad, read_picture, to_tensor
from plic.core.recipe import list_recipes, load_recipe
from plic.core.slots import LatentShape
from plic.core.stages import StageTimes

DEVIATION = 2.0
COLUMNS = ("recipe", "M parameters", "steps", "identical", "bpp", "encode s", "decode s", "peak GB")


@torch.inference_mode()
def measure(name: str, image: Path, threads: int) -> dict[str, Any]:
    """One recipe on one picture."""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model = plic.build(name).eval()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    codec = model.freeze()
    del model
    picture = read_picture(image)
    analysis = codec.networks.transform.analysis
    x = pad(to_tensor(picture), codec.networks.transform.stride)
    factor = DEVIATION / float(analysis(x).std())
    codec.networks.transform.analysis = lambda x: analysis(x) * factor  # type: ignore[method-assign]
    kept: list[torch.Tensor] = []
    for method in ("encode", "decode"):
        setattr(codec.entropy_model, method, _recording(getattr(codec.entropy_model, method), kept))
    times = [StageTimes(), StageTimes()]
    for _ in range(2):
        kept.clear()
        started = time.perf_counter()
        data = codec.encode(picture, times=times[0])
        encoded = time.perf_counter()
        codec.decode_picture(data, times=times[1])
        decoded = time.perf_counter()
    half = len(kept) // 2
    shape = LatentShape(*kept[-1].shape[1:])
    return {
        "recipe": name,
        "M parameters": round(parameters / 1e6, 2),
        "steps": len(codec.entropy_model.y.steps(shape)),
        "identical": all(torch.equal(a, b) for a, b in zip(kept[:half], kept[half:], strict=True)),
        "bpp": round(8 * len(data) / (picture.width * picture.height), 3),
        "encode s": round(encoded - started, 2),
        "decode s": round(decoded - encoded, 2),
        "peak GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def _recording(function: Any, kept: list[torch.Tensor]) -> Any:
    def wrapped(*arguments: Any) -> CodedLatents:
        coded: CodedLatents = function(*arguments)
        kept.extend(one.values for one in (coded.z, coded.y) if one is not None)
        return coded

    return wrapped


@click.command()
@click.argument("recipes", nargs=-1)
@click.option("--image", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--threads", default=2, show_default=True)
@click.option("--alone", is_flag=True, hidden=True, help="Measure in this process and print JSON.")
def main(recipes: tuple[str, ...], image: Path, threads: int, alone: bool) -> None:
    """Measure RECIPES (all when none is named) on one picture."""
    if alone:
        click.echo(json.dumps(measure(recipes[0], image, threads)))
        return
    click.echo("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    for name in recipes or list_recipes():
        load_recipe(name)
        command = [sys.executable, __file__, "--alone", name, "--image", str(image), "--threads", str(threads)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise click.ClickException(f"{name}: {run.stderr.strip().splitlines()[-1]}")
        row = json.loads(run.stdout.splitlines()[-1])
        click.echo("| " + " | ".join(str(row[column]) for column in COLUMNS) + " |")


if __name__ == "__main__":
    main()
