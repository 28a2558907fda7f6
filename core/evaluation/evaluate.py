"""Measure a codec: every picture of a folder is really encoded and decoded at every quality.

picture ── encode ──> the .plic file's bytes ── decode ──> picture'
   │                      │ size, sections                  │
   └──────────────────────┴── PSNR, MS-SSIM, seconds ───────┘
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from pathlib import Path

import PIL
import torch

from ..container import SectionKind, unpack
from ..errors import FileError, PlicError
from ..frozen import Encoded, FrozenCodec
from ..image import Picture, read_picture
from ..stages import StageTimes
from .metrics import ms_ssim, psnr
from .results import Evaluation, ImageResult, QualityResult, StageSeconds

Encode = Callable[[FrozenCodec, Picture, int | None, StageTimes], Encoded]
"""From codec, picture, quality and seconds to add to, to a stream and the model's own bits of it."""

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


def evaluate(
    codec: FrozenCodec,
    folder: str | Path,
    qualities: Iterable[int] | None = None,
    *,
    model: str | None = None,
    encode: Encode | None = None,
    report: Callable[[QualityResult], None] | None = None,
) -> Evaluation:
    """Encode and decode every picture of a folder at every quality.

    The first picture is coded once more at the start, and not counted: what is loaded and compiled then does not blur
    the seconds.

    Args:
        codec: to be measured.
        folder: of pictures, searched with all folders in it.
        qualities: levels; all that the codec has when None.
        model: label of the result; the recipe's name when None.
        encode: how pictures are encoded; `FrozenCodec.encode_batch` when None.
        report: called with the result of each quality as soon as it is known.

    Raises:
        PlicError: the folder holds no pictures, there is no such quality, or a picture cannot be read.
        PluginError: ``pytorch-msssim`` is not installed.
    """
    chosen = range(codec.networks.rate.levels) if qualities is None else qualities
    levels = [codec.level(quality) for quality in chosen]
    pictures = find_pictures(folder)
    if levels:
        measure(codec, read_picture(pictures[0]), levels[0])
    results = []
    for level in levels:
        images = [measure(codec, read_picture(path), level, str(path.relative_to(folder)), encode) for path in pictures]
        results.append(QualityResult.of(level, images))
        if report is not None:
            report(results[-1])
    return Evaluation(
        model=model or codec.recipe.name,
        recipe=codec.recipe.resolved(),
        fingerprint=codec.networks.fingerprint(codec.recipe.fingerprint()).hex(),
        data=Path(folder).resolve().name,
        threads=torch.get_num_threads(),
        versions=versions(),
        qualities=tuple(results),
    )


def measure(
    codec: FrozenCodec, picture: Picture, quality: int | None = None, name: str = "", encode: Encode | None = None
) -> ImageResult:
    """Encode and decode one picture.

    Args:
        codec: to be measured.
        picture: what to code; alpha and colour profile count in the size, not in the quality.
        quality: level; the codec's own when None.
        name: for the result.
        encode: how it is encoded; `FrozenCodec.encode_batch` when None.

    Raises:
        PlicError: there is no such quality.
        PluginError: ``pytorch-msssim`` is not installed.
    """
    encoding, decoding = StageTimes(), StageTimes()
    encoded = (encode or _encode)(codec, picture, quality, encoding)
    decoded = codec.decode_picture(encoded.data, times=decoding)
    sections = unpack(encoded.data).sections
    return ImageResult(
        name=name,
        width=picture.width,
        height=picture.height,
        bytes=len(encoded.data),
        bpp=8 * len(encoded.data) / (picture.width * picture.height),
        psnr=psnr(picture.pixels, decoded.pixels),
        ms_ssim=ms_ssim(picture.pixels, decoded.pixels),
        section_bytes=sum(len(one.payload) for one in sections if one.kind in (SectionKind.SIDE, SectionKind.LATENT)),
        model_bits=encoded.bits,
        encode=StageSeconds.of(encoding),
        decode=StageSeconds.of(decoding),
    )


def _encode(codec: FrozenCodec, picture: Picture, quality: int | None, times: StageTimes) -> Encoded:
    return codec.encode_batch([picture], quality=quality, times=times, count_bits=True)[0]


def find_pictures(folder: str | Path) -> list[Path]:
    """The picture files below a folder, sorted by path.

    Raises:
        FileError: there is no such folder.
        PlicError: it holds no pictures.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileError("there is no such folder", got=str(folder), hint="give a folder of pictures with --data")
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise PlicError(
            "the folder holds no pictures",
            got=str(folder),
            expected=f"files ending in {', '.join(sorted(SUFFIXES))}",
            hint="give another folder with --data",
        )
    return found


def versions() -> dict[str, str]:
    """Versions of plic and of what computes for it, and the platform."""
    import numba
    import numpy

    from ... import __version__

    return {
        "plic": __version__,
        "torch": str(torch.__version__),
        "numpy": numpy.__version__,
        "numba": numba.__version__,
        "pillow": PIL.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
