"""Between pictures and tensors: scaling, padding to a multiple of the codec's stride, rounding.

torch is imported inside the functions, so that reading a picture does not need it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..container import OFFSET_STEPS
from ..errors import ImageError, WeightsError
from .picture import Bytes, Picture

if TYPE_CHECKING:
    from torch import Tensor


def to_tensor(picture: Picture) -> Tensor:
    """The pixels as float32 ``(1, 3, H, W)`` in [0, 1]."""
    import torch

    planes = np.ascontiguousarray(picture.pixels.transpose(2, 0, 1))  # (3, H, W)
    return torch.from_numpy(planes)[None].to(torch.float32) / 255


def from_tensor(
    x_hat: Tensor,
    *,
    grey: bool = False,
    alpha: Bytes | None = None,
    icc: bytes | None = None,
    offsets: Sequence[int] = (),
) -> Picture:
    """The picture of a reconstruction, clipped to [0, 1] and rounded to 8 bits.

    Args:
        x_hat: floating point ``(1, 3, H, W)``, nominally in [0, 1], on any device.
        grey: give back a greyscale picture: the mean of the three channels, rounded once.
        alpha: uint8 ``(H, W)`` to go with it.
        icc: ICC profile to go with it.
        offsets: what is added before clipping, in 1/16 grey levels: one number, or one for each channel.

    Raises:
        ImageError: the tensor has another shape.
        WeightsError: the tensor holds a value that is not finite.
    """
    import torch

    levels = levels_of(planes_of(x_hat), offsets, grey=grey).expand(3, -1, -1)
    rounded = levels.round().to(torch.uint8).permute(1, 2, 0)  # (H, W, 3)
    return Picture(rounded.contiguous().numpy(), alpha, grey=grey, icc=icc)


def levels_of(planes: Tensor, offsets: Sequence[int] = (), *, grey: bool = False) -> Tensor:
    """The grey levels of a picture before they are rounded, float32 in [0, 255].

    Args:
        planes: float32 ``(C, H, W)``, nominally in [0, 1].
        offsets: as for :func:`from_tensor`.
        grey: give the mean of the planes alone, ``(1, H, W)``.
    """
    import torch

    if offsets:
        planes = planes + torch.tensor(offsets, dtype=torch.float32)[:, None, None] / (255 * OFFSET_STEPS)
    planes = planes.clamp(0, 1)
    if grey:
        planes = planes.mean(dim=0, keepdim=True)
    return planes.mul(255)


def planes_of(x_hat: Tensor) -> Tensor:
    """The one picture of a reconstruction ``(1, 3, H, W)`` as float32 ``(3, H, W)`` in main memory.

    Raises:
        ImageError: the tensor has another shape.
        WeightsError: the tensor holds a value that is not finite.
    """
    import torch

    from ..finite import all_finite

    if x_hat.dim() != 4 or x_hat.shape[0] != 1 or x_hat.shape[1] != 3:
        raise ImageError("this tensor is not one picture", got=tuple(x_hat.shape), expected="(1, 3, H, W)")
    planes = x_hat.detach()[0].to("cpu", torch.float32)  # (3, H, W)
    if not all_finite(planes):
        hint = "train again, or use other weights; the training log names the layer that went wrong"
        raise WeightsError("the synthesis gave values that are not finite", hint=hint)
    return planes


def padded_size(height: int, width: int, multiple: int) -> tuple[int, int]:
    """The smallest (height, width) not below the given one of which both are multiples of ``multiple``."""
    return -(-height // multiple) * multiple, -(-width // multiple) * multiple


def pad(x: Tensor, multiple: int) -> Tensor:
    """Repeats the last row and column until height and width are multiples of ``multiple``.

    Args:
        x: floating point ``(B, C, H, W)``, any size from 1x1 up.
        multiple: the codec's total stride in pixels, at least 1.

    Returns:
        ``(B, C, H', W')``; ``x`` itself when nothing is missing. :func:`crop` undoes it.
    """
    from torch.nn import functional

    height, width = int(x.shape[-2]), int(x.shape[-1])
    full_height, full_width = padded_size(height, width, multiple)
    if (full_height, full_width) == (height, width):
        return x
    return functional.pad(x, (0, full_width - width, 0, full_height - height), mode="replicate")


def crop(x: Tensor, height: int, width: int) -> Tensor:
    """The top left ``height`` by ``width`` of ``(B, C, H, W)``, as a view."""
    return x[..., :height, :width]
