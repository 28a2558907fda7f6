"""A progress bar for long commands."""

from __future__ import annotations

import sys
from typing import Any

import click

PARTS = 1000
"""Steps of a bar for what has no whole numbers."""


class Bar:
    """A progress bar on standard error; nothing at all where that is not a terminal.

    Args:
        counts: show how many of how many are done.
        time: show the time that is left, as far as the pace tells.

    Attributes:
        shown: whether it is a terminal.
    """

    def __init__(self, counts: bool = False, time: bool = True) -> None:
        self._counts, self._time = counts, time
        self.shown = sys.stderr.isatty()
        self._bar: Any = None

    def advance(self, label: str, done: int, total: int) -> None:
        """So much is done; the bar begins with the first call, and ends when all is done or with `close`."""
        if not self.shown:
            return
        if self._bar is None:
            self._bar = click.progressbar(
                length=total, label=label, file=sys.stderr, width=20, show_pos=self._counts, show_eta=self._time
            )
            self._bar.render_progress()
        self._bar.update(done - self._bar.pos)

    def relabel(self, label: str) -> None:
        """Write something else beside the bar, if there is one."""
        if self._bar is not None:
            self._bar.label = label
            self._bar.render_progress()

    def above(self, line: str) -> None:
        """Print a line on standard output; the bar, if there is one, then comes below."""
        if self._bar is not None:
            click.echo("\r\x1b[K", nl=False, err=True)
        click.echo(line)
        if self._bar is not None:
            self._bar.render_progress()

    def close(self) -> None:
        """End the line of the bar."""
        if self._bar is not None:
            self._bar.render_finish()
            self._bar = None
