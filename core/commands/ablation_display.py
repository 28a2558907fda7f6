"""What ``plic ablate`` shows while a study runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from .bars import PARTS, Bar

if TYPE_CHECKING:
    from ..ablation import Task


@dataclass
class AblationDisplay:
    """Shows a study: lines when runs begin and end, and a bar over all of them on a terminal; else their progress too.

    Attributes:
        ended: called after each run that was finished or has failed.
    """

    ended: Callable[[], object] = lambda: None
    _bar: Bar = field(default_factory=lambda: Bar(time=False))
    _shares: dict[str, float] = field(default_factory=dict)
    _done: int = 0
    _total: int = 0

    def begin(self, total: int, tasks: Sequence[Task]) -> None:
        """There are so many runs, of which these are not finished."""
        self._total, self._done = total, total - len(tasks)
        if self._done:
            self._bar.above(f"{self._done} of {total} runs are finished already")

    def started(self, task: Task) -> None:
        """See `plic.core.ablation.Listener`."""
        how = "begins again, its worker was lost" if task.key in self._shares else "begins"
        self._shares[task.key] = 0.0
        self._bar.above(f"{task.name}: {how}")
        self._show(task, "")

    def progressed(self, task: Task, share: float, line: str) -> None:
        """See `plic.core.ablation.Listener`."""
        self._shares[task.key] = share
        if line and not self._bar.shown:
            click.echo(f"{task.name}: {line}")
        self._show(task, line)

    def finished(self, task: Task) -> None:
        """See `plic.core.ablation.Listener`."""
        self._end(task, "finished")

    def failed(self, task: Task, error: str) -> None:
        """See `plic.core.ablation.Listener`."""
        lines = error.strip().splitlines() or ["no reason was given"]
        raised = next((at for at in range(len(lines) - 1, -1, -1) if lines[at][:1].strip()), 0)
        self._end(task, "failed\n" + "\n".join(f"    {line}" for line in lines[raised:]))
        self._bar.above(f"    the whole traceback: {task.folder / 'failure.txt'}")

    def close(self) -> None:
        """End the line of the bar."""
        self._bar.close()

    def estimating(self, label: str, done: int, total: int) -> None:
        """So many cells are timed."""
        self._bar.advance("timing", done, total)
        self._bar.relabel(f"timing {label}")
        if done == total:
            self.close()

    def _end(self, task: Task, how: str) -> None:
        self._shares.pop(task.key, None)
        self._done += 1
        self._bar.above(f"{task.name}: {how} ({self._done} of {self._total})")
        self.ended()

    def _show(self, task: Task, line: str) -> None:
        share = (self._done + sum(self._shares.values())) / max(1, self._total)
        # the bar ends when it is full, and the last run has not ended yet
        self._bar.advance("", min(PARTS - 1, round(PARTS * share)), PARTS)
        if line:
            self._bar.relabel(f"{self._done} of {self._total}, {task.name}: {line}")
