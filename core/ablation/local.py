"""The engine of one machine: a process for each run, several side by side."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from ..errors import PlicError
from .engine import Listener
from .task import Task

PATIENCE = 120.0
"""Seconds in which an interrupted worker must have saved its checkpoint."""
_Message = tuple[str, float, str]
"""``progress``, a share and a line; ``finished``; ``failed`` and a traceback."""


@dataclass
class _Worker:
    """A process at work on one task."""

    task: Task
    process: BaseProcess
    messages: Connection
    ended: bool = False


class LocalEngine:
    """Runs in processes of this machine. A process that dies takes one run with it, and nothing else.

    Args:
        workers: processes at a time.
    """

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers

    def run(self, tasks: Sequence[Task], listener: Listener) -> None:
        """See `plic.core.ablation.engine.Engine.run`."""
        waiting, busy = list(tasks), list[_Worker]()
        try:
            while waiting or busy:
                while waiting and len(busy) < self._workers:
                    busy.append(_start(waiting.pop(0)))
                    listener.started(busy[-1].task)
                ready = wait([one.messages for one in busy])
                for worker in [one for one in busy if one.messages in ready]:
                    _listen(worker, listener)
                    if worker.ended:
                        worker.process.join()
                        worker.messages.close()
                        busy.remove(worker)
        finally:
            _end(busy)


def _start(task: Task) -> _Worker:
    spawn = multiprocessing.get_context("spawn")  # a forked torch may hang
    receiving, sending = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_work, args=(task, sending), name=f"plic ablate {task.name}")
    process.start()
    sending.close()  # so that the end of the process is the end of the pipe
    return _Worker(task, process, receiving)


def _listen(worker: _Worker, listener: Listener) -> None:
    """One message of a worker, or its end."""
    try:
        kind, share, text = worker.messages.recv()
    except (EOFError, OSError):
        if not worker.ended:
            worker.process.join()
            listener.failed(worker.task, _death(worker))
        worker.ended = True
        return
    if kind == "progress":
        listener.progressed(worker.task, share, text)
        return
    worker.ended = True
    if kind == "finished":
        listener.finished(worker.task)
    else:
        listener.failed(worker.task, text)


def _death(worker: _Worker) -> str:
    code = worker.process.exitcode
    how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    error = PlicError("the process of this run died", got=how, hint="was memory short? use fewer workers")
    return worker.task.keep_failure(error)


def _end(workers: Sequence[_Worker]) -> None:
    """Let workers save what they have, and end those that take too long."""
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        worker.process.join(PATIENCE)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.messages.close()


def _work(task: Task, messages: Connection) -> None:
    """A worker's life."""
    # a terminal's Ctrl-C goes to a whole group of processes, and would be the second signal, which does not save
    with suppress(OSError):
        os.setpgid(0, 0)
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()

    def tell(share: float, line: str) -> None:
        _send(messages, ("progress", share, line))

    try:
        task.execute(tell)
    except KeyboardInterrupt:
        os._exit(130)
    except Exception as error:
        _send(messages, ("failed", 1.0, task.keep_failure(error)))
    else:
        _send(messages, ("finished", 1.0, ""))


def _send(messages: Connection, message: _Message) -> None:
    with suppress(OSError):  # nobody listens any more; the run is ended in another way
        messages.send(message)


def _end_with(parent: BaseProcess) -> None:
    """When the first process is gone, save and end."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
