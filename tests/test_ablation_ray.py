"""``plic ablate --engine ray``: a cluster of two workers that loses one, gives up, is interrupted, sees other files."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from ablations import DyingTask, QuickTask, Recorder, draw_folders, settings
from click.testing import CliRunner
from ray_tasks import ElsewhereTask, LostTask, fields

from plic.cli import main
from plic.core.ablation import Task, plan
from plic.core.ablation.ray_engine import RayEngine
from plic.core.ablation.records import FAILURE, RunResult, read_result
from plic.core.errors import PlicError

with_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (pip install 'plic[ray]')")


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Of two workers, and this process is connected to it."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))  # for tasks of tests
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    draw_folders(tmp_path)
    return tmp_path


def measured(run: RunResult) -> list[tuple[int, float]]:
    images = [image for one in run.evaluations for quality in one.qualities for image in quality.images]
    return [(image.bytes, image.psnr) for image in images]


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class Interrupting(Recorder):
    """Ctrl-C when training is seen to go on."""

    def progressed(self, task: Task, share: float, line: str) -> None:
        super().progressed(task, share, line)
        if "step " in line:
            os.kill(os.getpid(), signal.SIGINT)


@with_ray
@pytest.mark.slow
def test_ctrl_c_leaves_a_checkpoint(cluster: None, here: Path) -> None:
    (task,) = plan(settings(here, common={"training.steps": 1000000}, threads=1)).tasks.values()
    recorder = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        RayEngine().run([task], recorder)
    assert recorder.told[0] == ("base", "started")
    assert left_in(task.folder) == {"recipe.yaml", "training"}
    assert (task.folder / "training" / "checkpoint.pt").stat().st_size > 0


@with_ray
@pytest.mark.slow
def test_a_lost_worker_costs_no_result(cluster: None, here: Path) -> None:
    study = plan(settings(here, "head=laplacian", common={"training.lambdas": [0.005, 0.02]}, threads=1))
    base, other = study.tasks.values()
    recorder = Recorder()
    RayEngine(workers=2).run([LostTask(**fields(base)), other], recorder)
    assert not recorder.errors, recorder.errors
    assert (base.folder.parent / "lost").exists()
    told = recorder.of("base")
    assert (told.count("started"), told.count("finished"), told[-1]) == (2, 1, "finished")
    assert sum(line.startswith("model 1/2  step 2/2") for line in told) == 1  # the second went on from its checkpoint
    assert recorder.of("head=laplacian").count("started") == 1
    assert study.unfinished() == []
    assert left_in(base.folder) == {"recipe.yaml", "result.json", "training"}
    undisturbed = replace(base, folder=here / "undisturbed").execute(lambda *_: None)
    result = read_result(base.folder, base.key)
    assert result is not None
    assert [one.fingerprint for one in result.evaluations] == [one.fingerprint for one in undisturbed.evaluations]
    assert measured(result) == measured(undisturbed)


@with_ray
@pytest.mark.slow
def test_a_run_that_cannot_be_done_fails_alone(cluster: None, here: Path) -> None:
    (task,) = plan(settings(here)).tasks.values()
    task = replace(task, threads=1)
    dying = DyingTask(**fields(replace(task, label="dying", folder=here / "dying")))
    elsewhere = ElsewhereTask(**fields(replace(task, label="elsewhere", folder=here / "shared")))
    unseen = QuickTask(**fields(replace(task, label="unseen", folder=here / "unseen", pictures=here / "nowhere")))
    quick = QuickTask(**fields(replace(task, label="quick", folder=here / "quick")))
    recorder = Recorder()
    RayEngine(workers=1, retries=0).run([elsewhere, unseen, quick, dying], recorder)
    assert recorder.of("quick") == ["started", "half", "finished"]
    assert recorder.of("elsewhere") == ["failed"]
    assert "does not see the folder of the study" in recorder.errors["elsewhere"]
    assert left_in(here / "shared") == {FAILURE}
    assert f"has no {here / 'nowhere'}" in recorder.errors["unseen"]
    assert "storage that every node mounts" in recorder.errors["unseen"]
    assert recorder.of("dying")[-1] == "failed"
    assert "WorkerCrashedError" in recorder.errors["dying"]
    assert "WorkerCrashedError" in (here / "dying" / FAILURE).read_text()


def test_without_ray_the_command_says_what_to_install(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    study = plan(settings(here))
    arguments = ["ablate", "minnen2018-mean", "--data", str(here / "photographs"), "--pictures", str(here / "pictures")]
    arguments += [f"--set={key}={json.dumps(value)}" for key, value in study.settings.common.items()]
    result = CliRunner().invoke(main, [*arguments, "--out", str(here / "study"), "--engine", "ray"])
    assert result.exit_code == 2
    assert "pip install 'plic[ray]'" in result.output
    wrong = CliRunner().invoke(main, [*arguments, "--out", str(here / "study"), "--ray-gpus", "1"])
    assert "--engine ray" in wrong.output


@with_ray
def test_gpus_are_not_taken_unasked(here: Path) -> None:
    (task,) = plan(settings(here, device="cuda")).tasks.values()
    with pytest.raises(PlicError, match="--ray-gpus 1"):
        RayEngine().run([task], Recorder())
