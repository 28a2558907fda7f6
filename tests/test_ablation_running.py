"""``plic ablate``: cells are trained and measured, go on after an interrupt, and fail alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from ablations import COMMON, DyingTask, QuickTask, Recorder, draw_folders, settings
from click.testing import CliRunner, Result

from plic.cli import main
from plic.core.ablation import LocalEngine, Task, plan
from plic.core.ablation.records import read_result

SETTINGS = [part for key, value in COMMON.items() for part in ("--set", f"{key}={json.dumps(value)}")]
ARGUMENTS = [
    "ablate",
    "minnen2018-mean",
    "--data",
    "photographs",
    "--pictures",
    "pictures",
    "--out",
    "study",
    *SETTINGS,
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    draw_folders(tmp_path)
    return tmp_path


def ablate(*options: str) -> Result:
    return CliRunner().invoke(main, [*ARGUMENTS, *options], catch_exceptions=False)


def fields(task: Task) -> dict[str, object]:
    return {name: getattr(task, name) for name in Task.__dataclass_fields__}


def trained_steps(task: Task) -> list[int]:
    return [json.loads(line)["step"] for line in (task.folder / "training" / "log.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_a_study_runs_and_is_not_run_again() -> None:
    result = ablate("--swap", "training.crop=60", "--swap", "context=masked-conv", "--steps", "1")
    assert result.exit_code == 1  # not all was measured: that is said, and the rest goes on
    states = {line.split("  ")[0]: line for line in result.stdout.splitlines()}
    assert "finished" in states["base"]
    assert "failed" in states["training.crop=60"]
    assert "cannot be built" in states["context=masked-conv"]
    assert "cannot be trained on such crops" in result.stdout
    assert "context=masked-conv cannot be built: " in result.stdout
    assert "cannot be trained on such crops" in Path("study/index.html").read_text()
    (base,) = Path("study/cells").glob("base-*")
    assert {path.name for path in base.iterdir()} == {"recipe.yaml", "result.json", "training"}
    before = (base / "result.json").stat().st_mtime_ns
    again = ablate("--steps", "1")
    assert (again.exit_code, (base / "result.json").stat().st_mtime_ns) == (0, before)
    assert "1 of 1 runs are finished already" in again.stdout
    assert "begins" not in again.stdout


def test_a_dry_run_says_what_it_would_cost() -> None:
    result = ablate("--swap", "head=laplacian", "--swap", "context=masked-conv", "--steps", "1000", "--dry-run")
    assert result.exit_code == 0
    assert not Path("study").exists()
    head, base, laplacian, impossible, *rest = result.stdout.splitlines()
    assert [word in head for word in ("parameters", "MACs/pixel", "steps", "training")] == [True] * 4
    assert base.startswith("base ")
    assert laplacian.startswith("head=laplacian ")
    assert "cannot be built" in impossible
    assert "2 of 2 runs to do, 1000 training steps each: about " in rest[-1]


def test_a_half_trained_cell_goes_on(here: Path) -> None:
    (task,) = plan(settings(here, threads=1)).tasks.values()
    other = replace(task, folder=here / "other")

    def interrupt(share: float, line: str) -> None:
        if "step 1/" in line:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        task.execute(interrupt)
    assert trained_steps(task) == [1]
    assert read_result(task.folder, task.key) is None
    lines: list[str] = []
    task.execute(lambda _, line: lines.append(line))
    assert not any("step 1/" in line for line in lines)
    assert trained_steps(task) == [1, 2]
    whole = other.execute(lambda *_: None)
    result = read_result(task.folder, task.key)
    assert result is not None
    assert result.evaluations[0].fingerprint == whole.evaluations[0].fingerprint


def test_a_worker_that_dies_takes_nobody_with_it(here: Path) -> None:
    (task,) = plan(settings(here)).tasks.values()
    dying = DyingTask(**fields(replace(task, label="dying", folder=here / "dying")))  # type: ignore[arg-type]
    quick = QuickTask(**fields(replace(task, label="quick")))  # type: ignore[arg-type]
    recorder = Recorder()
    LocalEngine(1).run([dying, quick], recorder)
    assert recorder.of("dying") == ["started", "failed"]
    assert "signal 9" in recorder.errors["dying"]
    assert "signal 9" in (here / "dying" / "failure.txt").read_text()
    assert recorder.of("quick") == ["started", "half", "finished"]


@pytest.mark.slow
def test_ctrl_c_ends_workers_with_their_checkpoints(here: Path) -> None:
    command = [sys.executable, "-m", "plic", *ARGUMENTS, "--steps", "1000000"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=here,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # tests in the background ignore it
    ) as process:
        if process.stdout is None or process.stderr is None:
            raise RuntimeError("no pipes")
        for line in process.stdout:
            if "step " in line:
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=300) == 130
        assert "the same command goes on" in process.stderr.read()
    (checkpoint,) = Path("study/cells").glob("base-*/training/checkpoint.pt")
    assert checkpoint.stat().st_size > 0
    assert not list(Path("study/cells").glob("base-*/failure.txt"))
