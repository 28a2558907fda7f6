"""``plic train``: what it prints and leaves behind, and how it is interrupted and continued."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small import SMALL, photograph

from plic import load
from plic.cli import main
from plic.core.commands.training import TrainingDisplay, duration

CHANGES = {**SMALL["balle2018"], "training.crop": 64, "training.batch": 1}
SETTINGS = [part for key, value in CHANGES.items() for part in ("--set", f"{key}={json.dumps(value)}")]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photographs").mkdir()
    photograph(80, 70, 1).save("photographs/a.png")
    return tmp_path


def train(*options: str) -> Result:
    arguments = ["train", "balle2018", "--data", "photographs", "--out", "run", *SETTINGS, *options]
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def steps(folder: str) -> list[int]:
    return [json.loads(line)["step"] for line in Path(folder, "log.jsonl").read_text().splitlines()]


def test_one_model_for_each_lambda() -> None:
    result = train("--lambda", "0.02", "--lambda", "0.005", "--steps", "2", "--log-every", "1", "--seed", "3")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line[:19] for line in lines] == [f"model {m}/2  step {s}/2" for m in (1, 2) for s in (1, 2)]
    assert [load(f"run/{index}/weights.safetensors").recipe.training.lambdas for index in (0, 1)] == [[0.005], [0.02]]
    assert json.loads(Path("run/1/run.json").read_text())["parts"][0]["seed"] == 3


def test_a_time_limit_ends_the_run_with_weights_and_nothing_left() -> None:
    result = train("--lambda", "0.01", "--minutes", "0.02", "--steps", "1000000", "--log-every", "1")
    assert result.exit_code == 0
    log = [json.loads(line) for line in Path("run/log.jsonl").read_text().splitlines()]
    assert 0 < log[-1]["step"] < 1000000
    assert log[-1]["seconds_left"] == 0
    assert all(line["seconds_left"] >= 0 for line in log)
    assert load("run/weights.safetensors").recipe.name == "balle2018"


def test_lambdas_in_one_list() -> None:
    assert train("--lambdas", "0.02,0.005", "--lambda", "0.01", "--steps", "1").exit_code == 0
    models = [load(f"run/{index}/weights.safetensors") for index in (0, 1, 2)]
    assert [model.recipe.training.lambdas for model in models] == [[0.005], [0.01], [0.02]]
    refused = train("--lambdas", "0.02,none", "--steps", "1")
    assert refused.exit_code == 2
    assert "'none' is not a valid float" in refused.stderr


def test_ctrl_c_saves_and_resume_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as context:
        context.setattr(TrainingDisplay, "tick", lambda self, share: os.kill(os.getpid(), signal.SIGINT))
        result = train("--lambda", "0.01", "--steps", "3", "--log-every", "1")
    assert result.exit_code == 130
    assert "--resume goes on" in result.stderr
    assert steps("run") == [1]
    resumed = train("--lambda", "0.01", "--steps", "3", "--log-every", "1", "--resume")
    assert (resumed.exit_code, resumed.stderr) == (0, "")
    assert steps("run") == [1, 2, 3]


def test_resume_says_what_is_set_otherwise() -> None:
    assert train("--lambda", "0.01", "--steps", "1").exit_code == 0
    resumed = train("--lambda", "0.02", "--steps", "2", "--resume")
    assert resumed.exit_code == 0
    assert resumed.stderr.splitlines() == [
        "plic: goes on with another training.lambdas: [0.02], so far [0.01]",
        "plic: goes on with another training.steps: 2, so far 1",
    ]


def test_weights_to_begin_with() -> None:
    assert train("--lambda", "0.01", "--steps", "1").exit_code == 0
    Path("run").rename("first")
    assert train("--lambda", "0.01", "--steps", "1", "--from", "first/weights.safetensors").exit_code == 0
    start = json.loads(Path("run/run.json").read_text())["parts"][0]["start"]
    assert start["file"] == "first/weights.safetensors"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--device", "toaster"), "cannot train on the device 'toaster'"),
        (("--from", "nothing.safetensors"), "there is no weights file"),
        (("--set", "training.crop=60"), "cannot be trained on such crops"),
        (("--lambda", "0"), "Invalid value for '--lambda'"),
    ],
)
def test_what_cannot_be_is_refused(options: tuple[str, ...], message: str) -> None:
    result = train("--steps", "1", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not Path("run/weights.safetensors").exists()


def test_durations() -> None:
    assert [duration(seconds) for seconds in (0.4, 59.6, 3600, 90061, float("nan"))] == [
        "0:00",
        "1:00",
        "1:00:00",
        "25:01:01",
        "?",
    ]
