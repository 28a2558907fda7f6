"""Colour offsets: what keeps the mean of each channel where it was.

torch is imported inside the functions, so that reading a picture does not need it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..container import OFFSET_LIMIT, OFFSET_STEPS
from .picture import Picture
from .tensors import levels_of, planes_of

if TYPE_CHECKING:
    from torch import Tensor

_NEAR = 0.5 / OFFSET_STEPS  # grey levels; no finer offset can be written
_NEAR_ROUNDED = 1 / OFFSET_STEPS
_LEAPS = 4  # how often a step of the search may double before it halves intervals
_ROUNDING = OFFSET_STEPS // 2  # rounding moves a mean by half a grey level at most


def channel_offsets(x_hat: Tensor, picture: Picture) -> tuple[int, ...]:
    """The offsets with which a reconstruction has the mean colour of the original, once clipped and rounded.

    Where a channel is clipped nearly everywhere, its mean may be out of reach; the offset then brings it as near as it
    gets.

    Args:
        x_hat: floating point ``(1, 3, H, W)``, nominally in [0, 1], without padding, as the decoder will have it.
        picture: the original, of the same size.

    Returns:
        As `plic.core.container.Header` takes them: in 1/16 grey levels, one number for each channel, a single one for
        a greyscale picture, and none where all would be 0.

    Raises:
        ImageError: the tensor has another shape.
        WeightsError: the tensor holds a value that is not finite.
    """
    planes = planes_of(x_hat)
    means = [float(picture.pixels[..., channel].mean(dtype=np.float64)) for channel in range(3)]
    if picture.grey:
        offsets = [_offset(planes, means[0], grey=True)]
    else:
        offsets = [_offset(plane[None], mean) for plane, mean in zip(planes, means, strict=True)]
    return tuple(offsets) if any(offsets) else ()


def _offset(planes: Tensor, wanted: float, *, grey: bool = False) -> int:
    """The offset of one channel, or of the three of a greyscale picture.

    The mean before rounding decides first: it rises smoothly with the offset, while that of flat areas after rounding
    jumps, and an offset at a jump would leave it to the decoder's last bit on which side they come out.
    """

    def error(offset: int) -> float:
        return float(levels_of(planes, (offset,), grey=grey).mean()) - wanted

    def rounded_error(offset: int) -> float:
        return float(levels_of(planes, (offset,), grey=grey).round().mean()) - wanted

    smooth = _nearest(error, -OFFSET_LIMIT, OFFSET_LIMIT, 0, _NEAR)
    low, high = max(smooth - _ROUNDING, -OFFSET_LIMIT), min(smooth + _ROUNDING, OFFSET_LIMIT)
    return _nearest(rounded_error, low, high, smooth, _NEAR_ROUNDED)


def _nearest(error: Callable[[int], float], low: int, high: int, start: int, near: float) -> int:
    """Where in ``[low, high]`` an error that does not fall is least in magnitude; the first found of ``near`` or less.

    An offset moves a mean by its own amount or, where values are clipped, by less: steps as long as the error fall
    short of the goal, so they double until it is passed, and then halve what lies between.
    """
    best, least, at, leap = start, float("inf"), start, 1
    while low <= high:
        found = error(at)
        if abs(found) < least:
            best, least = at, abs(found)
        if least <= near:
            break
        low, high = (at + 1, high) if found < 0 else (low, at - 1)
        at -= leap * (round(OFFSET_STEPS * found) or (1 if found > 0 else -1))
        if leap > 2**_LEAPS or not low <= at <= high:
            at = (low + high) // 2
        leap *= 2
    return best
