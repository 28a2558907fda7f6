"""Checkpoints: everything that training needs to go on as if nothing had happened."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..codec import Codec
from ..errors import TrainingError
from ..files import write_atomically
from ..medians import MediansState
from .average import Average

FORMAT = 2


@dataclass(frozen=True)
class Position:
    """Where a run stands.

    Attributes:
        step: optimiser steps that are done.
        seconds: that they took.
        sums: of the log line that is being collected.
    """

    step: int
    seconds: float
    sums: Tensor


def save_checkpoint(
    path: Path, codec: Codec, optimizer: torch.optim.Optimizer, average: Average | None, position: Position
) -> None:
    """Write weights, their average, optimiser state and position of a run, atomically."""
    buffer = io.BytesIO()
    state = {
        "format": FORMAT,
        "fingerprint": codec.recipe.fingerprint(),
        "codec": codec.state_dict(),
        "medians": [(one.state.medians, one.state.passes) for one in codec.medians],
        "optimizer": optimizer.state_dict(),
        "average": None if average is None else average.tensors,
        "step": position.step,
        "seconds": position.seconds,
        "sums": position.sums,
    }
    torch.save(state, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path, codec: Codec, optimizer: torch.optim.Optimizer, average: Average | None) -> Position:
    """Restore a run.

    Raises:
        TrainingError: there is no checkpoint, it is damaged, or it is of another recipe.
    """
    if not path.exists():
        raise TrainingError(f"there is no checkpoint {path}", hint="start without --resume")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        made_with, version = str(state["fingerprint"]), state.get("format", 1)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"{path} is not a checkpoint",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            hint="start again without --resume, in another folder",
        ) from error
    if made_with != codec.recipe.fingerprint():
        raise TrainingError(
            f"{path} is the checkpoint of another recipe",
            got=made_with[:12],
            expected=codec.recipe.fingerprint()[:12],
            hint="train into another folder, or with the recipe it was made with (recipe.yaml beside it)",
        )
    if version != FORMAT:
        hint = "start again in another folder; --from takes the weights that the earlier run had frozen"
        raise TrainingError(f"{path} is of another format", got=version, expected=FORMAT, hint=hint)
    codec.load_state_dict(state["codec"])
    for one, (medians, passes) in zip(codec.medians, state["medians"], strict=True):
        device = next(codec.parameters()).device
        one.state = MediansState(None if medians is None else medians.to(device), passes)
    optimizer.load_state_dict(state["optimizer"])
    if average is not None:
        # a run that did not average so far begins to
        average.load(state["average"] or [parameter.detach() for parameter in codec.parameters()])
    return Position(state["step"], state["seconds"], state["sums"])
