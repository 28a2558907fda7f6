"""Tasks that workers of a Ray cluster can import, which a test module cannot be."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablations import QuickTask

from plic.core.ablation import Task
from plic.core.ablation.records import RunResult
from plic.core.ablation.task import Tell


def fields(task: Task) -> dict[str, Any]:
    return {name: getattr(task, name) for name in Task.__dataclass_fields__}


def waits_until(task: Task) -> Path:
    """The file without which a `WaitingTask` does not go on."""
    return task.folder.parent / "go on"


@dataclass(frozen=True)
class WaitingTask(Task):
    """Whoever has trained its second model by one step waits for a file.

    A worker that outlives its node is not to hand in a result: with a machine it would be gone.
    """

    def execute(self, tell: Tell) -> RunResult:
        """As ever, but for that."""
        node = os.getppid()

        def wait(share: float, line: str) -> None:
            tell(share, line)
            while line.startswith("model 2/2  step 1/"):
                if os.getppid() != node:
                    os._exit(1)
                if waits_until(self).exists():
                    break
                time.sleep(0.05)

        return super().execute(wait)


@dataclass(frozen=True)
class ElsewhereTask(QuickTask):
    """Its worker has another disk where the driver has the folder."""

    def __reduce__(self) -> Any:
        return QuickTask, tuple(fields(replace(self, folder=self.folder / "elsewhere")).values())
