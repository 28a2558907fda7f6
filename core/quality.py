"""Qualities of a codec: whole levels, and points between two where the rate part interpolates."""

from __future__ import annotations

import torch
from torch import Tensor

from .container.stream import QUALITY_STEPS, whole_or_not
from .errors import PlicError
from .slots import Rate


def checked_quality(quality: float, rate: Rate, recipe: str) -> float:
    """The quality that a stream carries for the one that is asked for, on the grid of 1/256 of a level.

    Args:
        quality: level, or a point between two.
        rate: says which there are.
        recipe: its name, for messages.

    Returns:
        An int where it is whole.

    Raises:
        PlicError: there is no such quality.
    """
    highest = rate.levels - 1
    if not 0 <= quality <= highest:  # nor is NaN
        raise PlicError(
            f"recipe {recipe!r} has no such quality",
            got=f"{quality:.10g}",
            expected=f"0 to {highest}" if highest else "0, the only one",
            hint="give one of these; a higher level is a larger file",
        )
    if not rate.interpolates and quality != int(quality):
        raise PlicError(
            f"recipe {recipe!r} has no qualities between its levels",
            got=f"{quality:.10g}",
            expected=f"{int(quality)} or {int(quality) + 1}",
            hint="give a whole number, or use weights of a recipe whose rate part interpolates",
        )
    return whole_or_not(round(float(quality) * QUALITY_STEPS) / QUALITY_STEPS)


def quality_tensor(quality: float, batch: int) -> Tensor:
    """A checked quality for each image of a batch, as `Rate` takes it: int64 if whole, else float32."""
    return torch.full((batch,), quality, dtype=torch.int64 if isinstance(quality, int) else torch.float32)
