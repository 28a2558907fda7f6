"""``plic encode``, ``decode`` and ``inspect``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..container import describe, unpack
from ..files import read_file, write_atomically
from .targets import targets

if TYPE_CHECKING:
    from ..container import Description
    from ..frozen import FrozenCodec
    from ..refining import Progress, Refinement
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
    """

    source: Path
    target: Path
    size: int
    pixels: int
    refinement: Refinement | None = None

    @property
    def bits_per_pixel(self) -> float:
        """8 times size over pixels."""
        return 8 * self.size / self.pixels


def encode_files(
    inputs: Sequence[str],
    out: str,
    *,
    model: str | None = None,
    quality: int | None = None,
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
        model: name of a recipe with shipped weights, or path of a weights file; plic's default when None.
        quality: level, 0 is the lowest; the highest when None.
        coder: id of a coder; the recipe's own when None.
        threads: of torch; its default when None.
        force: whether existing files may be overwritten.
        refine: whether and how latents are refined before they are coded.
        progress: called with the source and the state of its refining.

    Raises:
        PlicError: an input, an output or the model is not usable.
    """
    pairs = targets(inputs, out, ".plic", force)
    from ..api import load
    from ..image import read_picture

    _limit_threads(threads)
    codec = load(model, quality)
    for source, target in pairs:
        picture = read_picture(source)
        refinement = None
        if refine is None:
            data = codec.encode(picture, quality=quality, coder=coder)
        else:
            report = None if progress is None else partial(progress, source)
            refinement = refine.encode(codec, picture, quality=quality, coder=coder, report=report)
            data = refinement.data
        write_atomically(target, data)
        yield Coded(source, target, len(data), picture.width * picture.height, refinement)


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

        _limit_threads(threads)
        codec = codec or (load(model) if model else None)
        picture = (codec or codec_of(header)).decode_picture(data)
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
