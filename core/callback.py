"""What a plugin may do while a model is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .codec import Codec
    from .recipe import Recipe
    from .training.progress import Progress


@dataclass(frozen=True)
class Moment:
    """Where a run stands when a callback is called.

    Attributes:
        folder: of the run; a callback's files belong there.
        recipe: that is trained, with its settings.
        step: optimiser steps that are done.
        steps: of the whole run; fewer are done if a limit on time ends it.
        seconds: that the run took, those of earlier, resumed parts included.
        model: index of the model, where a recipe makes several.
        models: how many the recipe makes.
        trained: makes a copy of the codec as it stands, on the CPU, with averaged weights where the recipe asks for
            them, in evaluation mode: whatever is done to it, the run goes on as if nothing had been.
    """

    folder: Path
    recipe: Recipe
    step: int
    steps: int
    seconds: float
    model: int
    models: int
    trained: Callable[[], Codec]


class Callback:
    """Base of training callbacks, for `plic train --callback`. Each model that is trained gets an instance of its own.

    All methods do nothing unless they are overridden. They are called in the first process only, and the run waits
    for them. What one raises ends the run, after its checkpoint is written. A run may end without `on_end`: the last
    call is `on_checkpoint` when it is interrupted, and none tells of it when it breaks down.

    Attributes:
        id: what the command line calls it; lower-case letters, digits and hyphens.
        about: what it does, one line for people.
    """

    id: ClassVar[str]
    about: ClassVar[str] = ""

    def on_start(self, moment: Moment) -> None:
        """Before the first step; ``moment.step`` is not zero in a run that was resumed."""

    def on_log(self, moment: Moment, progress: Progress) -> None:
        """After a line of the log (`plic train --log-every`), with what it says."""

    def on_checkpoint(self, moment: Moment) -> None:
        """After a checkpoint is written."""

    def on_end(self, moment: Moment) -> None:
        """After the last step; ``moment.folder / "weights.safetensors"`` is written."""
