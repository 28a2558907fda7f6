"""``plic ablate --engine ray``: a cluster that loses a node, gives up, is interrupted, sees other files."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from ablations import COMMON, DyingTask, QuickTask, Recorder, draw_folders, settings
from click.testing import CliRunner
from ray_tasks import ElsewhereTask, WaitingTask, fields, waits_until
from terminal import interrupted

from plic.cli import main
from plic.core.ablation import Task, plan
from plic.core.ablation.ray_engine import RayEngine
from plic.core.ablation.records import FAILURE, RunResult, read_result
from plic.core.errors import PlicError

PATIENCE = 60.0
"""Seconds that the cluster has to notice the loss of a node."""
with_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (pip install 'plic[ray]')")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Of two nodes with a worker each, and this process is connected to it. The second node may be lost."""
    import ray
    from ray.cluster_utils import Cluster

    soon = {"health_check_period_ms": 300, "health_check_failure_threshold": 3}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))  # for tasks of tests
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = Cluster(True, head_node_args={"num_cpus": 1, "include_dashboard": False, "_system_config": soon})
        ray.init(made.address, log_to_driver=False, logging_level=logging.ERROR)
        made.add_node(num_cpus=1)  # after this process has joined the first, which it could not tell from this one
        wait_until_alive(2)
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    draw_folders(tmp_path)
    return tmp_path


def measured(run: RunResult) -> list[tuple[int, float]]:
    images = [image for one in run.evaluations for quality in one.qualities for image in quality.images]
    return [(image.bytes, image.psnr) for image in images]


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class RemovingNode(Recorder):
    """When both runs have come far enough, one of the two nodes is lost."""

    def __init__(self, cluster: Any, task: Task) -> None:
        super().__init__()
        self._cluster, self._task, self._far = cluster, task, set[str]()

    def progressed(self, task: Task, share: float, line: str) -> None:
        super().progressed(task, share, line)
        if line.startswith("model 2/2  step 1/"):
            self._far.add(task.key)
        if len(self._far) == 2 and self._cluster.worker_nodes:
            (node,) = self._cluster.worker_nodes
            self._cluster.remove_node(node, allow_graceful=False)
            wait_until_alive(1)  # until then, a worker that has outlived its node could still hand in its result
            waits_until(self._task).touch()


def wait_until_alive(count: int) -> None:
    """Until the cluster knows of so many nodes only."""
    import ray

    deadline = time.monotonic() + PATIENCE
    while sum(node["Alive"] for node in ray.nodes()) != count:
        assert time.monotonic() < deadline, ray.nodes()
        time.sleep(0.1)


@with_ray
@pytest.mark.slow
def test_a_lost_node_costs_no_result(cluster: Any, here: Path) -> None:
    study = plan(settings(here, "head=laplacian", common={"training.lambdas": [0.005, 0.02]}, threads=1))
    tasks = list(study.tasks.values())
    recorder = RemovingNode(cluster, tasks[0])
    RayEngine(workers=2).run([WaitingTask(**fields(task)) for task in tasks], recorder)
    assert not recorder.errors, recorder.errors
    starts = sorted(recorder.of(task.label).count("started") for task in tasks)
    assert starts == [1, 2], "\n".join(map(str, recorder.told))
    (lost,) = (task for task in tasks if recorder.of(task.label).count("started") == 2)
    told = recorder.of(lost.label)
    assert (told.count("finished"), told[-1]) == (1, "finished")
    assert sum(line.startswith("model 1/2  step 2/2") for line in told) == 1  # the second went on from its checkpoint
    assert study.unfinished() == []
    assert left_in(lost.folder) == {"recipe.yaml", "result.json", "training"}
    undisturbed = replace(lost, folder=here / "undisturbed").execute(lambda *_: None)
    result = read_result(lost.folder, lost.key)
    assert result is not None
    assert [one.fingerprint for one in result.evaluations] == [one.fingerprint for one in undisturbed.evaluations]
    assert measured(result) == measured(undisturbed)


@with_ray
@pytest.mark.slow
def test_a_run_that_cannot_be_done_fails_alone(cluster: Any, here: Path) -> None:
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


@with_ray
@pytest.mark.slow
def test_ctrl_c_on_a_terminal_keeps_what_is_done(here: Path) -> None:
    """On a cluster of this machine, whose processes the terminal would interrupt as well."""
    options = [f"--set={key}={json.dumps(value)}" for key, value in COMMON.items()]
    folders = ["--data", "photographs", "--pictures", "pictures", "--out", "study"]
    command = ["-m", "plic", "ablate", "minnen2018-mean", "--swap", "head=laplacian", *folders, *options]
    engine = ["--engine", "ray", "--threads", "1", "--steps", "60"]
    ended = interrupted([*command, *engine], here, r"head=laplacian \(seed 0\): step \d")
    assert ended.code == 130, ended.before + ended.after
    assert ended.seconds < 100  # a few seconds on a machine that has nothing else to do
    assert "base (seed 0): finished (1 of 2)" in ended.before
    lines = re.split(r"[\r\n]+", ended.after.replace("^C", ""))
    said = [re.sub(r".*\d%", "", line).strip() for line in lines]  # without the bar, to whose line others are appended
    assert [line for line in said if line] == ["plic: interrupted; the same command goes on in study"]
    (base,), (other,) = (list((here / "study" / "cells").glob(f"{name}-*")) for name in ("base", "head-laplacian"))
    assert left_in(base) == {"recipe.yaml", "result.json", "training"}
    assert left_in(other) == {"recipe.yaml", "training"}
    assert (other / "training" / "checkpoint.pt").stat().st_size > 0
    assert left_in(here / "study") == {".lock", "cells", "cells.csv", "cells.json", "index.html"}


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
