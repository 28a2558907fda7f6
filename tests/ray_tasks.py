"""Tasks that workers of a Ray cluster can import, which a test module cannot be."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from typing import Any

from ablations import QuickTask

from plic.core.ablation import Task
from plic.core.ablation.records import RunResult
from plic.core.ablation.task import Tell


def fields(task: Task) -> dict[str, Any]:
    return {name: getattr(task, name) for name in Task.__dataclass_fields__}


@dataclass(frozen=True)
class LostTask(Task):
    """Whoever has trained its second model by one step is killed, once."""

    def execute(self, tell: Tell) -> RunResult:
        """As ever, until then."""
        mark = self.folder.parent / "lost"

        def die(share: float, line: str) -> None:
            tell(share, line)
            if line.startswith("model 2/2  step 1/") and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)

        return super().execute(die)


@dataclass(frozen=True)
class ElsewhereTask(QuickTask):
    """Its worker has another disk where the driver has the folder."""

    def __reduce__(self) -> Any:
        return QuickTask, tuple(fields(replace(self, folder=self.folder / "elsewhere")).values())
