"""From each of Pillow's modes to a ``Picture``.

1 L LA, I;16 I F     ──> grey, with alpha where there is one
P PA RGB RGBA RGBX   ──> RGB, with alpha where there is one
CMYK YCbCr LAB HSV   ──> RGB by Pillow's conversion
"""

from __future__ import annotations

import re
import warnings

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import ImageError
from .picture import Bytes, Picture, PrecisionWarning

_GREY = {"1", "L", "LA", "La"}
_WIDE = {"I", "I;16", "I;16L", "I;16B", "I;16N", "F"}
_WITH_ALPHA = {"RGBA", "RGBa", "PA", "LA", "La"}
_SIXTEEN_BITS = 65535
_DEEP = re.compile(r"(?!BGR).*;1[26]")  # BGR;16 is 5, 6 and 5 bits
_GREY_STEPS = {"L;2": 85, "L;4": 17}  # what Pillow multiplies samples of 2 and 4 bits with


def stored_layout(image: Image.Image) -> str:
    """How a file not yet loaded stores its samples, such as ``RGB;16B`` or ``L;4``; ``""`` for plain 8 bits.

    Pillow keeps this in the tiles' decoder arguments until the pixels are loaded; the mode does not tell.
    """
    for tile in getattr(image, "tile", []):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        for argument in arguments:
            if isinstance(argument, str) and (_DEEP.match(argument) or argument in _GREY_STEPS):
                return argument
            if image.format == "PPM" and isinstance(argument, int) and argument > 255:  # the largest sample value
                return "PPM;16"
    return ""


def picture_of(image: Image.Image, layout: str, name: str) -> Picture:
    """The picture of a loaded, upright image.

    Args:
        image: any mode that Pillow knows.
        layout: what :func:`stored_layout` said before it was loaded.
        name: the file's name for messages.

    Raises:
        ImageError: its samples have no known scale, or its mode cannot be converted.
    """
    if image.mode in _WIDE:
        return _from_wide(image, layout, name)
    if ";16" in layout:
        _warn_of_precision(f"{name} has 16 bits per sample; Pillow read the upper 8 of them", stacklevel=5)
    image = _with_scaled_key(image, layout)
    if image.mode in _GREY or layout.startswith("LA"):  # Pillow opens 16-bit LA as RGBA
        return _from_grey(image)
    return _from_colour(image, name)


def _from_grey(image: Image.Image) -> Picture:
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        samples = np.asarray(image.convert("LA"))  # (H, W, 2)
        return _grey_picture(samples[..., 0], samples[..., 1].copy(), image)
    return _grey_picture(np.asarray(image.convert("L")), None, image)


def _from_colour(image: Image.Image, name: str) -> Picture:
    has_alpha = image.mode in _WITH_ALPHA or "transparency" in image.info
    try:
        samples = np.asarray(image.convert("RGBA" if has_alpha else "RGB"))  # (H, W, 3 or 4)
    except (ValueError, OSError) as error:
        hint = "convert it to RGB first"
        raise ImageError(
            "Pillow cannot convert this picture to RGB", got=f"{name}: mode {image.mode}", hint=hint
        ) from error
    alpha = samples[..., 3].copy() if has_alpha else None
    return Picture(samples[..., :3].copy(), alpha, grey=False, icc=_profile(image, grey=False))


def _from_wide(image: Image.Image, layout: str, name: str) -> Picture:
    """Greyscale of 12, 16 or 32 bits; 32-bit samples are taken as 16-bit ones (0 to 65535)."""
    values: npt.NDArray[np.float64] = np.asarray(image).astype(np.float64)
    low, high = values.min(), values.max()
    got, expected = f"{name}: {low:g} to {high:g}", f"0 to {_SIXTEEN_BITS}"
    if not (low >= 0 and high <= _SIXTEEN_BITS):  # also when not a number
        hint = "scale it to 8 bits first"
        raise ImageError("the samples are out of the 16-bit range", got=got, expected=expected, hint=hint)
    if image.mode == "F" and 0 < high <= 1:
        hint = "multiply the samples by 65535 first"
        raise ImageError("the samples are floating point numbers in 0..1", got=got, expected=expected, hint=hint)
    white = 4095 if layout == "I;12" else _SIXTEEN_BITS  # TIFF has 12-bit greyscale
    _warn_of_precision(f"{name}: grey values {low:g} to {high:g} of 0 to {white} were rounded", stacklevel=6)
    grey = np.rint(np.minimum(values, white) * (255 / white)).astype(np.uint8)
    key = image.info.get("transparency")
    alpha = np.where(values == key, 0, 255).astype(np.uint8) if isinstance(key, int) else None
    return _grey_picture(grey, alpha, image)


def _grey_picture(grey: Bytes, alpha: Bytes | None, image: Image.Image) -> Picture:
    pixels = np.repeat(grey[..., None], 3, axis=2)  # (H, W, 3)
    return Picture(pixels, alpha, grey=True, icc=_profile(image, grey=True))


def _with_scaled_key(image: Image.Image, layout: str) -> Image.Image:
    """The transparent colour on the scale of the pixels: Pillow leaves it on that of the file."""
    key = image.info.get("transparency")
    if image.mode == "RGB" and ";16" in layout and isinstance(key, tuple):
        scaled: object = tuple(sample >> 8 for sample in key)
    elif layout in _GREY_STEPS and isinstance(key, int):
        scaled = key * _GREY_STEPS[layout]
    else:
        return image
    image = image.copy()
    image.info["transparency"] = scaled
    return image


def _profile(image: Image.Image, grey: bool) -> bytes | None:
    """The ICC profile, unless it describes a colour space that the picture no longer has."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode in ("CMYK", "LAB"):
        return None
    space = profile[16:20]  # "data colour space" of the ICC header
    if space in (b"CMYK", b"Lab ") or (space == b"GRAY" and not grey):
        return None
    return bytes(profile)


def _warn_of_precision(text: str, stacklevel: int) -> None:
    warnings.warn(f"{text}; plic codes 8 bits", PrecisionWarning, stacklevel=stacklevel)
