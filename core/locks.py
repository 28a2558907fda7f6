"""Folders that one process at a time may work in."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from .errors import FileError

LOCK = ".lock"
"""Locked by the operating system, which unlocks it when the process that holds it ends in whatever way."""
HOLDER = ".at-work"
"""Says which process that is. It means nothing while the other file is not locked: a crash leaves it there."""


@contextmanager
def alone_in(folder: Path, command: str, option: str = "--out") -> Iterator[None]:
    """Work in a folder while no other process does, on whatever machine that sees the same folder.

    Args:
        folder: which; it must exist.
        command: that works there, for the message that the others get.
        option: of the command, by which people name another folder.

    Raises:
        FileError: another process is at work there, or nothing can be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise FileError(
            f"another '{command}' is at work in this folder",
            got=f"{folder}: {_holder(folder)}",
            hint=f"wait until it ends, end it with Ctrl-C where it runs, or name another folder with {option}",
        ) from error
    except OSError as error:
        raise FileError(
            "the folder cannot be written to",
            got=f"{folder}: {error.strerror or error}",
            hint=f"check its permissions, or name another folder with {option}",
        ) from error
    try:
        # the message of others is all that fails without it
        with suppress(OSError):
            since = datetime.now().astimezone().isoformat(" ", "seconds")
            (folder / HOLDER).write_text(f"process {os.getpid()} on {platform.node()}, since {since}", "utf-8")
        yield
    finally:
        with suppress(OSError):
            (folder / HOLDER).unlink()
        lock.release()


def _holder(folder: Path) -> str:
    try:
        return (folder / HOLDER).read_text("utf-8").strip() or "a process that has not said its name yet"
    except OSError:
        return "a process that has not said its name yet"
