"""What carries runs out. An engine is one class: `plic.core.ablation.local.LocalEngine`, or one of your own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .task import Task


class Listener(Protocol):
    """Is told what happens to tasks; all calls come from the process and thread that called `Engine.run`."""

    def started(self, task: Task) -> None:
        """Somebody has begun with a task; told again if it had to begin anew."""

    def progressed(self, task: Task, share: float, line: str) -> None:
        """A share of a task is done, 0 to 1; ``line`` says more, or is empty."""

    def finished(self, task: Task) -> None:
        """Its result lies in its folder."""

    def failed(self, task: Task, error: str) -> None:
        """It cannot be done: a traceback, or a sentence if whoever worked on it died."""


class Engine(Protocol):
    """Carries tasks out by calling `Task.execute` wherever it likes.

    A task is plain data and is given to ``execute`` in another process or on another machine that sees the same files:
    its folder and the folders of pictures. ``execute`` writes ``result.json`` last, so a task whose worker was lost may
    be given to another, which goes on from the checkpoint. `Task.keep_failure` writes what ``execute`` has raised.
    """

    def run(self, tasks: Sequence[Task], listener: Listener) -> None:
        """Carry out all tasks, in any order.

        Every task is told to the listener as finished or failed; the failure of one does not end the others.

        Raises:
            KeyboardInterrupt: the caller was interrupted. Workers have then saved their checkpoints and ended.
        """
