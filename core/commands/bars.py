"""Progress bars: on a terminal only, on standard error; otherwise lines on standard output."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..training import Progress

PARTS = 1000
"""Steps of a bar."""


class TrainingDisplay:
    """Shows a run: photographs that are read, then rate, distortion and time left."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._bar: Any = None
        self._model = 0

    def reading(self, done: int, total: int) -> None:
        """Some photographs are read."""
        if not self._terminal:
            return
        if self._bar is None:
            self._open("photographs", total)
        self._bar.update(done - self._bar.pos)
        if done == total:
            self.close()

    def tick(self, share: float) -> None:
        """A share of the run is done."""
        if not self._terminal:
            return
        if self._bar is None:
            self._open("training", PARTS)
        self._bar.update(min(PARTS, round(PARTS * share)) - self._bar.pos)

    def line(self, progress: Progress) -> None:
        """A line of the log."""
        if not self._terminal:
            click.echo(training_line(progress))
            return
        if progress.model != self._model:
            self.close()
            self._model = progress.model
            self._open("training", PARTS)
        if self._bar is not None:
            self._bar.label = training_line(progress)
            self._bar.render_progress()

    def close(self) -> None:
        """End the line of the bar."""
        if self._bar is not None:
            self._bar.render_finish()
            self._bar = None

    def _open(self, label: str, length: int) -> None:
        self._bar = click.progressbar(length=length, label=label, file=sys.stderr, show_eta=False, width=20)
        self._bar.render_progress()


def training_line(progress: Progress) -> str:
    """One line for people."""
    model = f"model {progress.model + 1}/{progress.models}  " if progress.models > 1 else ""
    return (
        f"{model}step {progress.step}/{progress.steps}  {progress.bpp:.4f} bpp  {progress.psnr:.2f} dB  "
        f"loss {progress.loss:.4f}  rate {progress.learning_rate:.1e}  {progress.steps_per_second:.2f} steps/s  "
        f"{duration(progress.seconds)} done, {duration(progress.seconds_left)} left"
    )


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, as short as the size allows."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
