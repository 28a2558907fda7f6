"""``plic encode``, ``decode`` and ``inspect``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..container import describe, unpack
from ..errors import PlicError
from ..files import read_file, write_atomically
from .targets import targets

if TYPE_CHECKING:
    from ..container import Description
    from ..frozen import FrozenCodec
    from ..image import Picture
    from ..refining import Progress, Refinement
    from ..targeting import Target, Targeted
    from .refining import RefineOptions


@dataclass(frozen=True)
class Coded:
    """One file that was encoded or decoded.

    Attributes:
        source: that was read.
        target: that was written.
        size: of the ``.plic`` file, in bytes.
        pixels: of the picture.
        refinement: what refining did, if it was asked for.
        targeted: quality and figures of the file, if it was to meet a target.
    """

    source: Path
    target: Path
    size: int
    pixels: int
    refinement: Refinement | None = None
    targeted: Targeted | None = None

    @property
    def bits_per_pixel(self) -> float:
        """8 times size over pixels."""
        return 8 * self.size / self.pixels


def encode_files(
    inputs: Sequence[str],
    out: str,
    *,
    model: str | None = None,
    quality: float | None = None,
    target_bpp: float | None = None,
    target_psnr: float | None = None,
    coder: str | None = None,
    threads: int | None = None,
    force: bool = False,
    refine: RefineOptions | None = None,
    progress: Callable[[Path, Progress], None] | None = None,
) -> Iterator[Coded]:
    """Encode pictures one after the other; each file is written whole or not at all.

    Args:
        inputs: paths of pictures.
        out: as `targets` takes it.
        model: name of a recipe that there are weights for, path of a recipe with a catalogue beside it, or path of a
            weights file; plic's default when None.
        quality: level, 0 is the lowest, or a point between two; the highest when None.
        target_bpp: instead of a quality: each file takes the highest that keeps to so many bits per pixel.
        target_psnr: instead of a quality: each file takes the lowest whose picture has so many dB.
        coder: id of a coder; the recipe's own when None.
        threads: of torch; its default when None.
        force: whether existing files may be overwritten.
        refine: whether and how latents are refined before they are coded; with a target, at the quality that meets it
            without, and only where the refined file meets it too.
        progress: called with the source and the state of its refining.

    Raises:
        PlicError: an input, an output or the model is not usable, or a target cannot be met.
    """
    target = _target(quality, target_bpp, target_psnr)
    pairs = targets(inputs, out, ".plic", force)
    from ..api import load
    from ..image import read_picture
    from .weights import fetch_bar

    _limit_threads(threads)
    with fetch_bar():
        codec = load(model, quality)
    for source, result in pairs:
        picture = read_picture(source)
        report = None if progress is None else partial(progress, source)
        refinement = targeted = None
        if target is not None:
            targeted, refinement = _to_target(codec, picture, target, coder, refine, report, str(source))
            data = targeted.data
        elif refine is not None:
            refinement = refine.encode(codec, picture, quality=quality, coder=coder, report=report)
            data = refinement.data
        else:
            data = codec.encode(picture, quality=quality, coder=coder)
        write_atomically(result, data)
        yield Coded(source, result, len(data), picture.width * picture.height, refinement, targeted)


def _target(quality: float | None, bpp: float | None, psnr: float | None) -> Target | None:
    if bpp is None and psnr is None:
        return None
    named = {"--quality": quality, "--target-bpp": bpp, "--target-psnr": psnr}
    given = [name for name, value in named.items() if value is not None]
    if len(given) > 1:
        raise PlicError(
            "these options exclude one another", got=" and ".join(given), expected="one of them", hint="leave one out"
        )
    from ..targeting import Target

    return Target(bpp, psnr)


def _to_target(
    codec: FrozenCodec,
    picture: Picture,
    target: Target,
    coder: str | None,
    refine: RefineOptions | None,
    report: Callable[[Progress], None] | None,
    name: str,
) -> tuple[Targeted, Refinement | None]:
    """The file that meets the target; the refined one if that meets it too."""
    from ..frozen import Encoded
    from ..targeting import assessed, encode_to_target

    found = encode_to_target(codec, picture, bpp=target.bpp, psnr=target.psnr, coder=coder, name=name)
    if refine is None:
        return found, None
    refinement = refine.encode(codec, picture, quality=found.quality, coder=coder, report=report)
    trial = assessed(codec, picture, refinement.data, found.quality, target)
    if target.met_by(trial.bpp, trial.psnr):
        return replace(found, data=trial.data, bpp=trial.bpp, psnr=trial.psnr), refinement
    return found, replace(refinement, encoded=Encoded(found.data, math.nan), after=refinement.before)


def decode_files(
    inputs: Sequence[str],
    out: str,
    *,
    model: str | None = None,
    threads: int | None = None,
    force: bool = False,
) -> Iterator[Coded]:
    """Decode ``.plic`` files one after the other.

    Args:
        inputs: paths of ``.plic`` files.
        out: as `targets` takes it.
        model: as for `encode_files`; the weights that each file's header asks for when None.
        threads: of torch; its default when None.
        force: whether existing files may be overwritten.

    Raises:
        PlicError: an input is damaged, its weights are missing, or an output is not usable.
    """
    pairs = targets(inputs, out, ".png", force)
    from ..image import write_picture

    codec: FrozenCodec | None = None
    for source, target in pairs:
        data = read_file(source)
        header = unpack(data).header  # before torch is imported: a damaged file is refused at once
        from ..api import codec_of, load
        from .weights import fetch_bar

        _limit_threads(threads)
        with fetch_bar():
            codec = codec or (load(model) if model else None)
            decoder = codec or codec_of(header)
        picture = decoder.decode_picture(data)
        write_picture(picture, target)
        yield Coded(source, target, len(data), header.pixels)


def inspect_file(path: str) -> Description:
    """Everything that a ``.plic`` file says about itself; needs no weights.

    Raises:
        PlicError: the file cannot be read, or it is not a sound ``.plic`` file.
    """
    return describe(unpack(read_file(path)))


def _limit_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
