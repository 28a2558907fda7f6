"""What a run reports: means over a few dozen steps, to a callback, a log file and, if wanted, TensorBoard."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import missing_package
from ..files import read_file, write_atomically

LOG = "log.jsonl"
TENSORBOARD = "tensorboard"


@dataclass(frozen=True)
class Progress:
    """One line of the log: means since the line before.

    Attributes:
        step: optimiser steps that are done.
        steps: of the whole run; fewer are done if a limit on time ends it.
        seconds: that the run took, those of earlier, resumed parts included.
        seconds_left: estimated; NaN when it cannot be.
        loss: what is minimised.
        bpp: estimated bits per pixel.
        psnr: of the mean squared error over all crops, unclipped reconstructions, in dB.
        distortion: as the recipe's distortion part gives it.
        learning_rate: at the last step.
        gradient_norm: before clipping.
        steps_per_second: since the line before.
        megapixels_per_second: of crops, over all processes.
        model: index of the model that is trained, where a recipe makes several.
        models: how many the recipe makes.
    """

    step: int
    steps: int
    seconds: float
    seconds_left: float
    loss: float
    bpp: float
    psnr: float
    distortion: float
    learning_rate: float
    gradient_norm: float
    steps_per_second: float
    megapixels_per_second: float
    model: int = 0
    models: int = 1


Report = Callable[[Progress], None]

_PLOTTED = ("loss", "bpp", "psnr", "distortion", "learning_rate", "gradient_norm", "megapixels_per_second")


class RunLog:
    """Where the lines of a run go.

    Args:
        folder: of the run; the log is one JSON object per line in ``log.jsonl``.
        report: called with each line.
        tensorboard: whether scalars are also written for TensorBoard.

    Raises:
        PluginError: TensorBoard is wanted and not installed.
    """

    def __init__(self, folder: Path, report: Report, tensorboard: bool) -> None:
        self._path = folder / LOG
        self._report = report
        self._writer = _tensorboard(folder / TENSORBOARD) if tensorboard else None

    def rewind(self, step: int) -> None:
        """Forget the lines after a step: a resumed run writes them again."""
        if self._path.exists():
            lines = read_file(self._path).decode().splitlines(keepends=True)
            kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
            write_atomically(self._path, "".join(kept).encode())

    def write(self, progress: Progress) -> None:
        """Add a line."""
        with self._path.open("a") as log:
            log.write(json.dumps(_finite(asdict(progress))) + "\n")
        if self._writer is not None:
            for name in _PLOTTED:
                self._writer.add_scalar(name, getattr(progress, name), progress.step)
        self._report(progress)

    def close(self) -> None:
        """Write out what is held back."""
        if self._writer is not None:
            self._writer.close()


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """Without values that JSON does not have."""
    return {name: None if isinstance(x, float) and not math.isfinite(x) else x for name, x in values.items()}


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise missing_package("--tensorboard needs the package tensorboard", "train") from error
    return SummaryWriter(str(folder))
