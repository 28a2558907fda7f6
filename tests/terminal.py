"""A command on a terminal of its own, where somebody types Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

TOO_LONG = 300.0
"""Seconds after which a command is ended with force."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: that it ended with.
        seconds: from Ctrl-C to the end.
        before: what stood on the terminal when Ctrl-C was typed.
        after: what was written from then on, control sequences left out.
    """

    code: int
    seconds: float
    before: str
    after: str


def interrupted(command: list[str], folder: Path, pattern: str) -> Ended:
    """Run a command of this interpreter in ``folder``, and type Ctrl-C as soon as ``pattern`` is on the terminal.

    The terminal sends the signal to all processes of the command, as it does to what people start.
    """
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(inside)
    began, typed, seen, before = monotonic(), 0.0, "", ""
    while part := _read(terminal):
        seen += part
        if not typed and re.search(pattern, seen):
            os.write(terminal, b"\x03")
            typed, before, seen = monotonic(), seen, ""
        if monotonic() - began > TOO_LONG:
            os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    os.close(terminal)
    return Ended(code, monotonic() - typed, before or seen, re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", seen))


def _take_terminal() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests in the background ignore it, and so would what they start
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(terminal: int) -> str:
    """What has been written; nothing once all that could write have ended."""
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:
        return ""
