"""Several processes that measure pictures side by side, each with a codec of its own."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from ..errors import PlicError
from ..frozen import FrozenCodec
from .measure import Job
from .results import ImageResult


def run_in_processes(codec: FrozenCodec, jobs: Sequence[Job], processes: int, threads: int) -> Iterator[ImageResult]:
    """The results of jobs, in their order.

    The codec travels as a weights file. When a job fails, or the caller is interrupted or stops asking, the processes
    are ended at once; they end themselves when this process is gone.

    Args:
        codec: to be measured.
        jobs: what to do.
        processes: at most so many.
        threads: of the networks in each process.

    Raises:
        PlicError: what the first job that failed has raised, or a job cannot be sent to another process, or a process
            died.
    """
    _check_can_travel(jobs)
    spawn = multiprocessing.get_context("spawn")  # a forked torch may hang
    with TemporaryDirectory(prefix="plic-") as folder:
        weights = Path(folder) / "weights.safetensors"
        codec.save(weights)
        count = min(processes, len(jobs))
        with ProcessPoolExecutor(count, spawn, _start, (threads,)) as pool, _ended_on_failure():
            try:
                for future in [pool.submit(_run, job, weights) for job in jobs]:
                    yield future.result()
            except BrokenProcessPool as error:
                raise PlicError(
                    "a process that coded pictures died",
                    got=f"{processes} processes",
                    hint="was memory short? use fewer processes",
                ) from error


def _check_can_travel(jobs: Sequence[Job]) -> None:
    try:
        pickle.dumps(jobs)
    except Exception as error:  # pickle raises whatever an object's own code does
        raise PlicError(
            "the way of encoding, or a metric, cannot be sent to other processes",
            got=error,
            expected="a function of a module",
            hint="use one process",
        ) from error


@contextmanager
def _ended_on_failure() -> Iterator[None]:
    """End the processes started within the block if it is left by an exception."""
    before = set(multiprocessing.active_children())
    try:
        yield
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise


def _start(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the first process ends the others
    torch.set_num_threads(threads)
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _run(job: Job, weights: Path) -> ImageResult:
    return job.run(_codec(weights))


@cache
def _codec(weights: Path) -> FrozenCodec:
    from ..api import load_file  # above this room; only the processes started here come back to it

    return load_file(weights)
