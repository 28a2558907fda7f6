"""Measure one picture: it is really encoded and decoded.

picture ── encode ──> the .plic file's bytes ── decode ──> picture'
   │                      │ size, sections                  │
   └──────────────────────┴── PSNR, MS-SSIM, seconds ───────┘
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..container import SectionKind, unpack
from ..container.stream import quality_text
from ..errors import FileError
from ..frozen import Encoded, FrozenCodec
from ..image import Picture, read_picture, write_picture
from ..stages import StageTimes
from .extra import ExtraMetric
from .memory import PeakMemory
from .metrics import ms_ssim, psnr
from .results import ImageResult, StageSeconds
from .steps import SequentialSteps

Encode = Callable[[FrozenCodec, Picture, float | None, StageTimes], Encoded]
"""From codec, picture, quality and seconds to add to, to a stream and the model's own bits of it."""


@dataclass(frozen=True)
class PictureStore:
    """Where decoded pictures are kept.

    Attributes:
        folder: for PNG files, by quality and name; made when it is needed.
        base: folder of the results file, which results name the files relative to.
    """

    folder: Path
    base: Path

    def keep(self, picture: Picture, quality: float, name: str) -> str:
        """Write a picture, whole or not at all.

        Returns:
            Its path relative to ``base``, with ``/`` between folders.

        Raises:
            FileError: it cannot be written.
        """
        relative = PurePosixPath(quality_text(quality), name if name.lower().endswith(".png") else f"{name}.png")
        target = self.folder / relative
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            hint = "check the path and its permissions"
            raise FileError(
                "no folder can be made here", got=f"{target.parent}: {error.strerror}", hint=hint
            ) from error
        write_picture(picture, target)
        return Path(os.path.relpath(target.resolve(), self.base.resolve())).as_posix()


@dataclass(frozen=True)
class Job:
    """One picture to measure at one quality.

    Attributes:
        path: of the picture.
        name: for the result.
        quality: level, as `FrozenCodec.level` gives it.
        encode: how it is encoded; `FrozenCodec.encode_batch` when None.
        store: where the decoded picture is kept, if at all.
        metrics: of plugins, that are measured too.
    """

    path: Path
    name: str
    quality: float
    encode: Encode | None = None
    store: PictureStore | None = None
    metrics: tuple[ExtraMetric, ...] = ()

    def run(self, codec: FrozenCodec) -> ImageResult:
        """Read the picture and measure it.

        Raises:
            PlicError: the picture cannot be read or coded, or a metric failed; the message names the file.
        """
        return measure(codec, read_picture(self.path), self.quality, self.name, self.encode, self.store, self.metrics)


def measure(
    codec: FrozenCodec,
    picture: Picture,
    quality: float | None = None,
    name: str = "",
    encode: Encode | None = None,
    store: PictureStore | None = None,
    metrics: Sequence[ExtraMetric] = (),
) -> ImageResult:
    """Encode and decode one picture.

    Args:
        codec: to be measured.
        picture: what to code; alpha and colour profile count in the size, not in the quality.
        quality: level; the codec's own when None.
        name: for the result.
        encode: how it is encoded; `FrozenCodec.encode_batch` when None.
        store: where the decoded picture is kept, if at all.
        metrics: of plugins, that are measured too.

    Raises:
        PlicError: there is no such quality.
        PluginError: ``pytorch-msssim`` is not installed, or a plugin's metric failed.
    """
    encoding, decoding = StageTimes(), StageTimes()
    with PeakMemory() as encode_peak:
        encoded = (encode or _encode)(codec, picture, quality, encoding)
    with PeakMemory() as decode_peak:
        decoded = codec.decode_picture(encoded.data, times=decoding)
    sections = unpack(encoded.data).sections
    steps = SequentialSteps.of(codec, picture.width, picture.height)
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
        encode_steps=steps.encode,
        decode_steps=steps.decode,
        encode_memory=encode_peak.bytes,
        decode_memory=decode_peak.bytes,
        decoded=None if store is None else store.keep(decoded, codec.level(quality), name),
        metrics={one.spec.id: one.value(picture.pixels, decoded.pixels, name) for one in metrics},
    )


def _encode(codec: FrozenCodec, picture: Picture, quality: float | None, times: StageTimes) -> Encoded:
    return codec.encode_batch([picture], quality=quality, times=times, count_bits=True)[0]
