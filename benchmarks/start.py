"""What a data-driven start is worth: the same recipe, data, seed and steps, from a KLT of image patches and from noise.

    python benchmarks/start.py --train FOLDER --test FOLDER --out FOLDER [--steps 2000]

Trains both, evaluates both with real files, and prints the loss along the way and the points in the end.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from plic import load
from plic.core.evaluation import evaluate, write_evaluations
from plic.core.recipe import load_recipe
from plic.core.training import Options, train

SHOWN = (50, 100, 250, 500, 1000, 2000, 5000, 10000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="house")
    parser.add_argument("--train", required=True, type=Path, help="folder of photographs to train on")
    parser.add_argument("--test", required=True, type=Path, help="folder of other pictures to evaluate on")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--batch", type=int, default=4)
    options = parser.parse_args()
    evaluations = []
    for name, data_driven in (("klt", True), ("random", False)):
        settings = {"steps": options.steps, "crop": options.crop, "batch": options.batch}
        overrides = {f"training.{key}": value for key, value in settings.items()}
        recipe = load_recipe(options.recipe, {**overrides, "training.data_driven_start": data_driven})
        folder = options.out / name
        train(recipe, [options.train], folder, Options(resume=True))
        evaluations.append(evaluate(load(folder / "weights.safetensors"), options.test, model=name))
        write_evaluations(options.out / "evaluations.json", evaluations)
        show(folder / "log.jsonl")
    for one in evaluations:
        for result in one.qualities:
            print(f"{one.model:8} quality {result.quality:g}  {result.mean.bpp:.4f} bpp  {result.mean.psnr:.2f} dB")


def show(log: Path) -> None:
    """The loss along the way, on training crops."""
    print(log.parent.name)
    for line in map(json.loads, log.read_text().splitlines()):
        if line["step"] in SHOWN:
            print(f"  step {line['step']:6}  loss {line['loss']:8.4f}  {line['bpp']:.4f} bpp  {line['psnr']:.2f} dB")


if __name__ == "__main__":
    main()
