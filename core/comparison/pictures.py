"""Originals and decoded pictures for a page: read, checked, made small enough, turned into data URIs.

results file ── ImageResult.decoded ──> PNG ──┐
Evaluation.folder / ImageResult.name ─────────┴── read_picture ── at most LARGEST pixels ── lossless WebP ──> URI
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ..container.stream import quality_text
from ..errors import FileError, PlicError
from ..evaluation import ImageResult
from ..image import read_picture
from .measured import Measured
from .model import Comparison, Row

LARGEST = 1600
"""Pixels on the longer side of a picture on a page; larger ones are reduced."""


@dataclass(frozen=True)
class Decoded:
    """What one model made of one picture at one quality.

    Attributes:
        quality: level, as people write it.
        bpp: of this picture.
        psnr: of this picture, dB.
        ms_ssim: of this picture.
        uri: the decoded picture.
    """

    quality: str
    bpp: float
    psnr: float
    ms_ssim: float
    uri: str


@dataclass(frozen=True)
class Versions:
    """All that one model made of one picture, by rising rate."""

    label: str
    decoded: tuple[Decoded, ...]


@dataclass(frozen=True)
class Shown:
    """One picture of a page.

    Attributes:
        name: path below the evaluated folder.
        size: width and height that were coded and measured.
        shown: width and height of what the page holds; smaller than ``size`` if that is large.
        uri: the original.
        models: those whose decoded pictures were kept.
    """

    name: str
    size: tuple[int, int]
    shown: tuple[int, int]
    uri: str
    models: tuple[Versions, ...]


@dataclass(frozen=True)
class Gallery:
    """The pictures of a page.

    Attributes:
        pictures: those that can be shown.
        missing: sentences about what cannot be shown, and how to get it.
    """

    pictures: tuple[Shown, ...]
    missing: tuple[str, ...]


def gallery(comparison: Comparison, *, folder: Path | None = None, limit: int | None = None) -> Gallery:
    """Collect originals and decoded pictures.

    Args:
        comparison: whose models kept decoded pictures, or did not.
        folder: of the originals; where they lay when the models were evaluated if None.
        limit: how many pictures; all if None.

    Raises:
        FileError: a picture that the results file names is missing.
        PlicError: a picture is of another size than the one that was measured.
    """
    kept = [row for row in comparison.models if row.measured and any(True for _ in _kept(row.measured))]
    missing = [
        f"No decoded pictures of {row.label} were kept: measure it with `plic evaluate --save-pictures`."
        for row in comparison.models
        if row not in kept
    ]
    roots = [folder] if folder else [Path(row.measured.evaluation.folder) for row in kept if row.measured]
    root = next((one for one in roots if one.is_absolute() and one.is_dir()), folder)
    if root is None and kept:
        missing.append(f"The originals are not in {roots[0]} any more: name their folder with `--data`.")
    if root is None or not kept:
        return Gallery((), tuple(missing))
    names = [name for name in comparison.pictures if any(_of(row, name) for row in kept)]
    return Gallery(tuple(_shown(root, name, kept) for name in names[:limit]), tuple(missing))


def _kept(measured: Measured) -> Iterator[tuple[str, ImageResult]]:
    """Quality and result of each decoded picture that was kept."""
    for result in sorted(measured.evaluation.qualities, key=lambda result: result.mean.bpp):
        yield from ((quality_text(result.quality), image) for image in result.images if image.decoded is not None)


def _of(row: Row, name: str) -> list[tuple[str, ImageResult]]:
    return [] if row.measured is None else [one for one in _kept(row.measured) if one[1].name == name]


def _shown(root: Path, name: str, rows: Sequence[Row]) -> Shown:
    results = {row.label: _of(row, name) for row in rows}
    first = next(image for found in results.values() for _, image in found)
    size = (first.width, first.height)
    hint = "name the folder of the originals with --data"
    uri = _uri(root / name, size, hint)
    models = [
        Versions(row.label, tuple(_decoded(row.measured, quality, image) for quality, image in results[row.label]))
        for row in rows
        if row.measured is not None and results[row.label]
    ]
    return Shown(name, size, _reduced(size), uri, tuple(models))


def _decoded(measured: Measured, quality: str, image: ImageResult) -> Decoded:
    path = measured.file.parent / (image.decoded or "")
    uri = _uri(path, (image.width, image.height), "measure again with `plic evaluate --save-pictures`")
    return Decoded(quality, image.bpp, image.psnr, image.ms_ssim, uri)


def _uri(path: Path, size: tuple[int, int], hint: str) -> str:
    if not path.is_file():
        raise FileError("a picture to be shown is not there", got=str(path), hint=hint)
    picture = read_picture(path)
    if (got := (picture.width, picture.height)) != size:
        raise PlicError(
            "a picture has another size than the one that was measured",
            got=f"{path}: {got[0]}x{got[1]}",
            expected=f"{size[0]}x{size[1]}",
            hint=hint,
        )
    image = Image.fromarray(picture.pixels)
    if (shown := _reduced(size)) != size:
        image = image.resize(shown, Image.Resampling.LANCZOS)
    return data_uri(image)


def _reduced(size: tuple[int, int]) -> tuple[int, int]:
    longer = max(size)
    if longer <= LARGEST:
        return size
    return max(1, round(size[0] * LARGEST / longer)), max(1, round(size[1] * LARGEST / longer))


def data_uri(image: Image.Image) -> str:
    """A picture as ``data:image/webp;base64,...``, without loss: a report must not add artefacts of its own."""
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", lossless=True, quality=50, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
