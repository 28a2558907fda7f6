"""What happens on a worker of a Ray cluster: look whether it sees the driver's files, carry a task out, tell of it.

Ray imports this module on its workers by name, so that every node needs plic installed.
"""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import PlicError
from ..files import read_file, write_atomically
from .task import Task

TOKEN = "ray-token"
"""File in a task's folder, written by the driver while the task is with Ray."""
SHARE = "put --out, the photographs and the pictures on storage that every node mounts at the same path"

Note = tuple[str, float | None, str]
"""The token of a task, the share of it that is done, and a line; None where it begins."""
Ending = tuple[Literal["finished", "failed", "refused", "cancelled"], str]
"""How it ended, and why: ``failed`` has written its failure into the folder, ``refused`` has touched nothing."""


@dataclass(frozen=True)
class Errand:
    """A task on its way to a worker.

    Attributes:
        task: to carry out.
        token: that its folder holds for whoever sees the same folder as the driver.
        version: of the driver's plic.
    """

    task: Task
    token: str
    version: str


def hand_out(task: Task, token: str) -> None:
    """Leave in a task's folder what the worker must find there.

    Raises:
        FileError: the folder cannot be written to.
    """
    with suppress(OSError):  # writing says what is wrong
        task.folder.mkdir(parents=True, exist_ok=True)
    write_atomically(task.folder / TOKEN, token.encode())


def take_back(task: Task) -> None:
    """Remove what `hand_out` has left."""
    with suppress(OSError):  # it is in nobody's way
        (task.folder / TOKEN).unlink()


def carry_out(errand: Errand, notes: Any) -> Ending:
    """The Ray task.

    An interrupt comes from `ray.cancel`, before which the driver has taken back what it had handed out, or from a node
    that is being shut down. Training has saved its checkpoint in both cases; in the second the process ends, so that
    Ray gives the errand to another worker, which goes on from there.

    Args:
        errand: what to do.
        notes: the driver's `ray.util.queue.Queue` for notes.
    """
    from ray.exceptions import RayError

    task = errand.task

    def tell(share: float | None, line: str) -> None:
        note: Note = errand.token, share, line
        with suppress(RayError):  # a lost note is no reason to lose a run
            notes.put_nowait(note)

    try:
        check(errand)
        tell(None, "")
        task.execute(tell)
    except KeyboardInterrupt:
        if _holds(task.folder / TOKEN, errand.token):
            os._exit(130)
        return "cancelled", ""
    except Refused as error:
        return "refused", str(error)
    except Exception as error:
        return "failed", task.keep_failure(error)
    return "finished", ""


class Refused(PlicError):
    """This worker cannot carry out the task; it has touched nothing."""


def check(errand: Errand) -> None:
    """Whether this machine has what the driver's has.

    Raises:
        Refused: it sees other files, or has another plic.
    """
    from ... import __version__

    task = errand.task
    if errand.version != __version__:
        raise Refused(
            "the driver and a worker of the cluster have different versions of plic",
            got=f"{__version__} on {platform.node()}",
            expected=errand.version,
            hint="install the same plic on every node",
        )
    if not _holds(task.folder / TOKEN, errand.token):
        raise Refused(
            "a worker of the cluster does not see the folder of the study",
            got=f"{platform.node()} has no {task.folder}, or another one",
            hint=SHARE,
        )
    wanted = (*task.data, task.pictures, *(() if task.start is None else (task.start,)))
    if missing := [str(path) for path in wanted if not path.exists()]:
        raise Refused(
            "a worker of the cluster does not see files of the study",
            got=f"{platform.node()} has no {', '.join(missing)}",
            hint=SHARE,
        )


def _holds(path: Path, token: str) -> bool:
    return path.is_file() and read_file(path) == token.encode()
