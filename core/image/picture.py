"""The picture as plic holds it: 8-bit RGB, with what is needed to give back what came in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import ImageError

Bytes = npt.NDArray[np.uint8]


class PictureWarning(UserWarning):
    """Something in a picture is not kept as it was."""


class PrecisionWarning(PictureWarning):
    """Samples of more than 8 bits were reduced to 8 bits."""


class FrameWarning(PictureWarning):
    """Only one of several frames or pages is used."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An 8-bit picture.

    Args:
        pixels: uint8 ``(H, W, 3)``, RGB; for a greyscale picture the three channels are equal.
        alpha: uint8 ``(H, W)``, 255 is opaque; None when the picture has no alpha channel. Colours under alpha 0 are
            kept as they are.
        grey: the picture was greyscale, and :func:`to_pil` gives it back as such.
        icc: ICC colour profile, or None.

    Raises:
        ImageError: an array has another type or shape, or the picture has no pixels.
    """

    pixels: Bytes
    alpha: Bytes | None = None
    grey: bool = False
    icc: bytes | None = None

    def __post_init__(self) -> None:
        _check_array("pixels", self.pixels, self.pixels.ndim == 3 and self.pixels.shape[2] == 3, "uint8 (H, W, 3)")
        check_size(self.width, self.height)
        if self.alpha is not None:
            shape = (self.height, self.width)
            _check_array("alpha plane", self.alpha, self.alpha.shape == shape, f"uint8 {shape}")

    @property
    def width(self) -> int:
        """Columns in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows in pixels."""
        return int(self.pixels.shape[0])


def to_pil(picture: Picture) -> Image.Image:
    """The picture as a PIL image of mode L, LA, RGB or RGBA, with its ICC profile in ``info["icc_profile"]``.

    A greyscale picture's value is the mean of the three channels, rounded.
    """
    bands = [grey_of(picture.pixels)[..., None] if picture.grey else picture.pixels]
    if picture.alpha is not None:
        bands.append(picture.alpha[..., None])
    samples = np.concatenate(bands, axis=2)  # (H, W, 1 to 4)
    image = Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    if picture.icc is not None:
        image.info["icc_profile"] = picture.icc
    return image


def grey_of(pixels: Bytes) -> Bytes:
    """The rounded mean of the three channels: ``(H, W, 3)`` to ``(H, W)``."""
    total = pixels.sum(axis=2, dtype=np.uint16)
    grey: Bytes = ((total + 1) // 3).astype(np.uint8)
    return grey


def check_size(width: int, height: int) -> None:
    """Refuses a picture without pixels."""
    if width < 1 or height < 1:
        hint = "give a picture of at least 1x1"
        raise ImageError("the picture has no pixels", got=f"{width}x{height}", hint=hint)


def _check_array(what: str, array: Bytes, right_shape: bool, expected: str) -> None:
    if array.dtype != np.uint8 or not right_shape:
        hint = "round and clip to 0..255, then convert: array.astype(numpy.uint8)"
        raise ImageError(
            f"the {what} array does not fit", got=f"{array.dtype} {array.shape}", expected=expected, hint=hint
        )
