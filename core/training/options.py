"""How a run is carried out, as opposed to what it computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .listeners import ChosenCallback
from .progress import Report


def ignore(*_: object) -> None:
    """Nobody is listening."""


@dataclass(frozen=True)
class Options:
    """How a run is carried out, as opposed to what it computes.

    Attributes:
        minutes: limit on the wall-clock time for each model; schedules go by whichever limit comes first.
        resume: go on from the checkpoints in the folder, where there are any.
        start: weights file to begin from instead of fresh weights.
        fresh: slots whose parts begin anew all the same.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        compiled: compile the transforms with ``torch.compile``.
        tensorboard: also write scalars for TensorBoard.
        log_every: steps to a line of the log, for which the device is waited for.
        report: called with each line of the log.
        tick: called after each step with the share of the run that is done.
        reading: called with the numbers of photographs that are read, and that there are.
        callbacks: of plugins; see `plic.core.training.callbacks_named`.
    """

    minutes: float | None = None
    resume: bool = False
    start: Path | None = None
    fresh: Sequence[str] = ()
    device: str = "auto"
    compiled: bool = False
    tensorboard: bool = False
    log_every: int = 50
    report: Report = ignore
    tick: Callable[[float], None] = ignore
    reading: Callable[[int, int], None] = ignore
    callbacks: Sequence[ChosenCallback] = ()
