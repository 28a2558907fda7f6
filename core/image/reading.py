"""From any file or image that Pillow knows to a ``Picture``."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import ImageError
from ..files import names_like, what_it_seems
from .modes import picture_of, stored_layout
from .picture import FrameWarning, Picture, PictureWarning, check_size

_FORMATS = "PNG, JPEG, WebP, AVIF, TIFF, BMP, GIF, PPM, JPEG 2000"
_MAX_PIXELS = 2**27  # as Limits of the container: what is read can be decoded again by default
MAX_SIDE = 2**17


def read_picture(source: str | os.PathLike[str] | Image.Image, *, max_pixels: int = _MAX_PIXELS) -> Picture:
    """Reads a picture and brings it to 8-bit RGB, with alpha, greyscale and ICC profile kept.

    Greyscale (also 1-bit) is replicated to three channels and marked as grey; palettes, CMYK, YCbCr, Lab and HSV
    become RGB; alpha and transparent colours become an alpha plane; the EXIF orientation is applied. Samples of 16
    bits are scaled to 8.

    Args:
        source: path of a file, or a PIL image (left unchanged).
        max_pixels: width times height that is accepted at most. No side may be longer than `MAX_SIDE`.

    Warns:
        PrecisionWarning: samples of more than 8 bits were reduced to 8 bits.
        FrameWarning: the picture has several frames or pages, and one is used.
        PictureWarning: the EXIF data is damaged, and the orientation is unknown.

    Raises:
        ImageError: the file is missing, empty, damaged, not a picture, or larger than ``max_pixels``.
    """
    if isinstance(source, Image.Image):
        return _read(source, "the PIL image", max_pixels)
    path = Path(source)
    _check_file(path)
    with ExitStack() as stack:
        with _explained(path):
            # not by name: Pillow would map an uncompressed TIFF into memory and read it wrongly where it lies turned
            file = stack.enter_context(open(path, "rb"))
            image = stack.enter_context(Image.open(file))
        return _read(image, str(path), max_pixels)


def _read(image: Image.Image, name: str, max_pixels: int) -> Picture:
    check_size(*image.size)
    if image.width * image.height > max_pixels or max(image.size) > MAX_SIDE:
        size = f"{image.width}x{image.height} = {image.width * image.height} pixels"
        raise _too_large(name, size, f"{max_pixels} pixels, and {MAX_SIDE} on a side")
    with _explained(name):
        frames = int(getattr(image, "n_frames", 1))
        layout = stored_layout(image)  # before loading, which forgets it
        image.load()
    if frames > 1 and image.format != "MPO":  # what follows in an MPO file are previews and depth maps
        text = f"{name} has {frames} frames; frame {image.tell() + 1} is used"
        warnings.warn(text, FrameWarning, stacklevel=3)
    return picture_of(_upright(image, name), layout, name)


def _check_file(path: Path) -> None:
    if path.is_dir():
        hint = "name a picture file inside it"
        raise ImageError("this is a folder, not a picture", got=str(path), hint=hint)
    if not path.exists():
        hint = "check the path; it is taken relative to the current folder"
        raise ImageError("no such file", got=str(path), near=names_like(path), hint=hint)


@contextmanager
def _explained(name: str | Path) -> Iterator[None]:
    """Turns whatever Pillow raises about a file into an ``ImageError``."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise _not_a_picture(Path(name)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(name, error, f"{Image.MAX_IMAGE_PIXELS} (Pillow's)") from error
    except PermissionError as error:
        raise ImageError("the file cannot be read", got=str(name), hint="check its permissions") from error
    except MemoryError:
        raise
    except Exception as error:  # decoders of damaged files raise anything: OSError, SyntaxError, struct.error ...
        hint = "open it in an image viewer; fetch or export it again if it is damaged there too"
        raise ImageError("the picture file is damaged or cut short", got=f"{name}: {error}", hint=hint) from error


def _not_a_picture(path: Path) -> ImageError:
    try:
        with open(path, "rb") as file:
            seems = what_it_seems(file.read(64))
    except OSError:
        seems = "not a file"
    hint = "give a picture in one of these formats"
    if "plic" in seems:
        hint = "to read a .plic file, use `plic decode`"
    return ImageError("this is not a picture that plic can read", got=f"{path}: {seems}", expected=_FORMATS, hint=hint)


def _too_large(name: object, got: object, limit: object) -> ImageError:
    hint = "scale it down or cut it; for trusted input raise max_pixels and PIL.Image.MAX_IMAGE_PIXELS"
    return ImageError(
        "the picture is larger than the limit", got=f"{name}: {got}", expected=f"at most {limit}", hint=hint
    )


def _upright(image: Image.Image, name: str) -> Image.Image:
    """The image turned as its EXIF orientation says."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception as error:
        text = f"{name}: its EXIF data is damaged ({error}); it is taken as it lies"
        warnings.warn(text, PictureWarning, stacklevel=4)
        return image
