"""Checkpoints: everything that training needs to go on."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import torch

from ..codec import Codec
from ..errors import TrainingError
from ..files import write_atomically


def save_checkpoint(path: Path, codec: Codec, optimizer: torch.optim.Optimizer, step: int, seconds: float) -> None:
    """Write weights, optimiser state and position of a run, atomically."""
    buffer = io.BytesIO()
    state = {
        "fingerprint": codec.recipe.fingerprint(),
        "step": step,
        "seconds": seconds,
        "codec": codec.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    torch.save(state, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path, codec: Codec, optimizer: torch.optim.Optimizer | None = None) -> tuple[int, float]:
    """Restore a run.

    Returns:
        Steps and seconds that are done.

    Raises:
        TrainingError: there is no checkpoint, or it is of another recipe.
    """
    if not path.exists():
        raise TrainingError(f"there is no checkpoint {path}", hint="start without --resume")
    try:
        state = torch.load(path, weights_only=True)
        made_with = str(state["fingerprint"])
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
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
    codec.load_state_dict(state["codec"])
    if optimizer is not None:
        optimizer.load_state_dict(state["optimizer"])
    return int(state["step"]), float(state["seconds"])
