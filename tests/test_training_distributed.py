"""Several processes: the gradients of one process with the joint batch, and one set of files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small import SMALL, photograph

from plic.core.recipe import load_recipe
from plic.core.training import Photographs, TrainingRun, World

HERE = Path(__file__).parent
SETTINGS = {"training.crop": 64, "training.batch": 4, "training.steps": 3, "training.lambdas": [0.01]}


NAMES = ("house", "balle2018")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    for seed in range(3):
        photograph(100, 90, seed).save(folder / f"{seed}.png")
    return folder


def torchrun(*arguments: str) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_two_processes_have_the_gradients_of_one(photographs: Path, tmp_path: Path) -> None:
    torchrun(str(HERE / "distributed_gradients.py"), ",".join(NAMES), str(photographs), str(tmp_path))
    for name in NAMES:
        first, second = (torch.load(tmp_path / f"{name}-{rank}.pt") for rank in range(2))
        joint = gradients(name, photographs, tmp_path, World(torch.device("cpu")))
        whole = float(torch.cat([gradient.flatten() for gradient in joint.values()]).norm())
        assert joint.keys() == first.keys()
        for key, gradient in joint.items():
            assert torch.equal(first[key], second[key])
            assert float((first[key] - gradient).norm()) <= 1e-3 * float(gradient.norm()) + 1e-5 * whole, key


def gradients(name: str, photographs: Path, folder: Path, world: World) -> dict[str, torch.Tensor]:
    """Of the first step, by parameter."""
    changes = {**SMALL[name], **SETTINGS, "training.precision": "float32"}
    if name == "house":
        del changes["training.lambdas"]
    recipe = load_recipe(name, changes)
    images = Photographs.of([photographs], 64, world.device)
    run = TrainingRun(recipe, images, folder, None if name == "house" else 0, world)
    run.backward()
    return {key: one.grad.clone() for key, one in run.codec.named_parameters() if one.grad is not None}


@pytest.mark.slow
def test_torchrun_trains_one_model_from_the_command_line(photographs: Path, tmp_path: Path) -> None:
    changes = {**SMALL["balle2018"], **SETTINGS}
    sets = [part for key, value in changes.items() for part in ("--set", f"{key}={json.dumps(value)}")]
    data, out = ["--data", str(photographs)], ["--out", str(tmp_path), "--log-every", "1"]
    torchrun("-m", "plic", "train", "balle2018", *data, *out, *sets)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3]
    assert json.loads((tmp_path / "run.json").read_text())["parts"][0]["processes"] == 2
    assert (tmp_path / "weights.safetensors").exists()
