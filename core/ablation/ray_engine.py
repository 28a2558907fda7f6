"""The engine of a Ray cluster: one Ray task for each run, on whatever node has room."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from ..errors import PlicError
from .engine import Listener
from .ray_cluster import check_ray, cluster, fits
from .ray_worker import Errand, carry_out, hand_out, take_back
from .task import Task

PATIENCE = 120.0
"""Seconds in which interrupted workers must have saved their checkpoints."""
RETRIES = 3
"""Workers that a run may lose and still go on."""
INTERVAL = 0.5
"""Seconds between two looks at what workers tell."""


class RayEngine:
    """Runs on the workers of a Ray cluster. A worker or a node that is lost costs what was trained since a checkpoint.

    Folders of tasks, photographs and pictures must be on storage that all nodes see at the same path; a worker that
    does not see them refuses the run. If `ray.init` was called before, that cluster is used, and not left.

    Args:
        workers: runs at a time, as far as the cluster has room.
        address: see `plic.core.ablation.ray_cluster.cluster`.
        cpus: that a run takes; as many as it has threads by default.
        gpus: likewise, parts of one included; with none, runs whose device is ``auto`` are computed on the CPU.
        retries: workers that a run may lose before it counts as failed.

    Raises:
        PluginError: Ray is not installed.
    """

    def __init__(
        self,
        workers: int = 1,
        address: str | None = None,
        cpus: float | None = None,
        gpus: float = 0.0,
        retries: int = RETRIES,
    ) -> None:
        check_ray()
        self._address = address
        self._terms = _Terms(workers, cpus, gpus, retries)

    def run(self, tasks: Sequence[Task], listener: Listener) -> None:
        """See `plic.core.ablation.engine.Engine.run`.

        Raises:
            PlicError: there is no cluster; it can never have room; or runs are to compute on GPUs that are not asked
                for.
            KeyboardInterrupt: the caller was interrupted. Workers have then saved their checkpoints and ended.
        """
        for task in tasks:
            self._terms.check_device(task)
        if not tasks:
            return
        with cluster(self._address) as grows:
            for task in tasks:
                if not grows:
                    self._terms.check_room(task)
            runs = _Runs(self._terms, listener, list(tasks))
            try:
                runs.go()
            finally:
                runs.end()


@dataclass(frozen=True)
class _Terms:
    """What a run takes, how many there are at a time, and how many workers each may lose."""

    workers: int
    cpus: float | None
    gpus: float
    retries: int

    def cpus_for(self, task: Task) -> float:
        return self.cpus or task.threads

    def text(self, task: Task) -> str:
        return f"{self.cpus_for(task):g} CPUs" + (f" and {self.gpus:g} GPUs" if self.gpus else "")

    def there(self, task: Task) -> bool:
        """Whether a node has that much."""
        return fits(self.cpus_for(task), self.gpus)

    def check_device(self, task: Task) -> None:
        if task.device.startswith("cuda") and not self.gpus:
            raise PlicError(
                "runs compute on a GPU, and Ray is asked for none",
                got=f"device {task.device}",
                hint="--ray-gpus 1, or a part of 1 where several runs fit on one GPU",
            )

    def check_room(self, task: Task) -> None:
        if not self.there(task):
            raise PlicError(
                "this machine never has room for a run",
                got=f"{self.text(task)} for each",
                hint="set --ray-cpus (by default as many as --threads) and --ray-gpus, or another --ray-address",
            )


@dataclass(frozen=True)
class _Run:
    """A task that is with Ray, and the token that its worker must find."""

    task: Task
    token: str


@dataclass
class _Runs:
    """Tasks that wait, and those that are with Ray."""

    terms: _Terms
    listener: Listener
    waiting: list[Task]
    busy: dict[Any, _Run] = field(default_factory=dict)
    notes: Any = None

    def go(self) -> None:
        """Until all have ended."""
        import ray

        self.notes = _mailbox()
        while self.waiting or self.busy:
            while self.waiting and len(self.busy) < self.terms.workers:
                self._submit(self.waiting.pop(0))
            ready, _ = ray.wait(list(self.busy), timeout=INTERVAL)
            self._read()
            for one in ready:
                self._finish(one)

    def end(self) -> None:
        """Let those at work save what they have; nothing if none is at work."""
        import ray

        for one, run in self.busy.items():
            take_back(run.task)
            ray.cancel(one)
        if self.busy:
            ray.wait(list(self.busy), num_returns=len(self.busy), timeout=PATIENCE)
        if self.notes is not None:
            self.notes.shutdown(force=True)

    def _submit(self, task: Task) -> None:
        import ray

        from ... import __version__

        run = _Run(task, uuid4().hex)
        hand_out(task, run.token)
        # only lost workers are tried again: what `Task.execute` raises comes back as a value
        remote = ray.remote(carry_out).options(
            num_cpus=self.terms.cpus_for(task),
            num_gpus=self.terms.gpus,
            max_retries=self.terms.retries,
            name=f"plic ablate {task.name}",
        )
        placed = replace(task, device="cpu") if task.device == "auto" and not self.terms.gpus else task
        self.busy[remote.remote(Errand(placed, run.token, __version__), self.notes)] = run
        if not self.terms.there(task):
            self.listener.progressed(task, 0.0, f"waits: no node has {self.terms.text(task)} yet")

    def _read(self) -> None:
        """What workers have told since the last time."""
        import ray

        tasks = {run.token: run.task for run in self.busy.values()}
        notes = []
        with suppress(ray.exceptions.RayError):  # what becomes of the runs is known all the same
            notes = self.notes.get_nowait_batch(self.notes.qsize())
        for token, share, line in notes:
            if (task := tasks.get(token)) is None:
                continue
            if share is None:
                self.listener.started(task)
            else:
                self.listener.progressed(task, share, line)

    def _finish(self, one: Any) -> None:
        """The end of one, however it came."""
        import ray

        task = self.busy.pop(one).task
        try:
            how, text = ray.get(one)
        except ray.exceptions.RayError as error:
            how, text = "failed", task.keep_failure(_given_up(error))
        if how == "refused":
            text = task.keep_failure(PlicError(text))
        take_back(task)
        if how == "finished":
            self.listener.finished(task)
        else:
            self.listener.failed(task, text)


def _mailbox() -> Any:
    """Where workers leave notes: on the driver's node, so that it is not lost with another."""
    import ray
    from ray.util.queue import Queue
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # a soft wish is not enough: a busy cluster now and then put the mailbox elsewhere
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})


def _given_up(error: Exception) -> PlicError:
    lines = str(error).strip().splitlines() or ["no reason was given"]
    made = PlicError(
        "Ray could not carry the run out",
        got=f"{type(error).__name__}: {lines[0]}",
        hint="the same command tries again; memory short? use fewer workers; every node needs the same plic",
    )
    made.__cause__ = error
    return made
