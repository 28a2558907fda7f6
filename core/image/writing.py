"""Pictures into files, by extension, whole or not at all."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ImageError, near_matches
from ..files import write_atomically
from .picture import Picture, to_pil


@dataclass(frozen=True)
class _Format:
    """A file format of Pillow: its name, whether it keeps alpha, and how to save without visible loss."""

    name: str
    alpha: bool
    options: dict[str, object] = field(default_factory=dict)


_JPEG = _Format("JPEG", alpha=False, options={"quality": 95, "subsampling": 0})
_TIFF = _Format("TIFF", alpha=True, options={"compression": "tiff_adobe_deflate"})
_PPM = _Format("PPM", alpha=False)
_FORMATS = {
    # about as small as level 6 (-7 to +11 % on photographs), in a third of the time
    ".png": _Format("PNG", alpha=True, options={"compress_level": 1}),
    ".webp": _Format("WEBP", alpha=True, options={"lossless": True, "exact": True}),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".bmp": _Format("BMP", alpha=False),
    ".ppm": _PPM,
    ".pgm": _PPM,
}


def write_picture(picture: Picture, path: str | os.PathLike[str]) -> None:
    """Writes a picture in the format that the extension names, with its ICC profile where the format has one.

    Without loss, except for ``.jpg``, which is written at quality 95.

    Args:
        picture: what to write.
        path: ``.png``, ``.webp``, ``.tif``, ``.jpg``, ``.bmp``, ``.ppm`` or ``.pgm``; its folder must exist.

    Raises:
        ImageError: the extension is unknown, or the format cannot hold the picture.
        FileError: the file cannot be written.
    """
    target = Path(path)
    form = _format_of(target)
    if picture.alpha is not None and not form.alpha:
        hint = f"write a PNG instead: {target.with_suffix('.png')}"
        raise ImageError(f"{form.name} files cannot hold an alpha channel", got=str(target), hint=hint)
    if picture.grey is False and target.suffix.lower() == ".pgm":
        hint = f"write {target.with_suffix('.ppm')} instead"
        raise ImageError("PGM files cannot hold colours", got=str(target), hint=hint)
    write_atomically(target, _encoded(picture, form, target))


def _format_of(target: Path) -> _Format:
    form = _FORMATS.get(target.suffix.lower())
    if form is None:
        raise ImageError(
            "no picture format is known by this extension",
            got=target.suffix or f"{target} (it has none)",
            expected=", ".join(_FORMATS),
            near=near_matches(target.suffix.lower(), _FORMATS),
            hint=f"for instance {target.with_suffix('.png')}",
        )
    return form


def _encoded(picture: Picture, form: _Format, target: Path) -> bytes:
    options = dict(form.options)
    if picture.icc is not None:
        options["icc_profile"] = picture.icc
    buffer = io.BytesIO()
    try:
        to_pil(picture).save(buffer, form.name, **options)
    except (OSError, ValueError, KeyError) as error:
        hint = f"write a PNG instead: {target.with_suffix('.png')}"
        raise ImageError(f"Pillow cannot write this picture as {form.name}", got=error, hint=hint) from error
    return buffer.getvalue()
