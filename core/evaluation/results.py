"""What an evaluation found, and its file: JSON in and out.

    Evaluation ── qualities: QualityResult ── images: ImageResult ── encode, decode: StageSeconds
                                          └── mean: Mean

In JSON a value that is not finite (the PSNR of identical pictures, the MS-SSIM of small ones) is the string
``"Infinity"`` or ``"NaN"``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import PlicError
from ..files import read_file, write_atomically
from ..stages import StageTimes
from .bdrate import Curve
from .metrics import ms_ssim_db


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings", protected_namespaces=())


class StageSeconds(_Record):
    """Wall-clock seconds by stage; see `plic.core.stages.StageTimes` for what each stage covers."""

    image: float
    transform: float
    probability: float
    coder: float
    refining: float = 0.0
    total: float

    @classmethod
    def of(cls, times: StageTimes) -> StageSeconds:
        """From what was measured."""
        return cls(**{stage: getattr(times, stage) for stage in cls.model_fields})

    @classmethod
    def mean(cls, all_of: Sequence[StageSeconds]) -> StageSeconds:
        """Stage by stage."""
        return cls(**{stage: _mean([getattr(one, stage) for one in all_of]) for stage in cls.model_fields})


class ImageResult(_Record):
    """One picture at one quality.

    Attributes:
        name: path below the evaluated folder.
        width: in pixels.
        height: in pixels.
        bytes: of the whole ``.plic`` file.
        bpp: 8 times bytes over pixels.
        psnr: dB, over all samples of the 8-bit RGB picture.
        ms_ssim: 0 to 1; NaN for small pictures.
        section_bytes: of the coded latents, without header, alpha and colour profile.
        model_bits: the probability model's own cross-entropy of the same symbols.
        encode: seconds.
        decode: seconds.
    """

    name: str
    width: int
    height: int
    bytes: int
    bpp: float
    psnr: float
    ms_ssim: float
    section_bytes: int
    model_bits: float
    encode: StageSeconds
    decode: StageSeconds


class Mean(_Record):
    """Arithmetic means over the pictures of a folder.

    Attributes:
        bytes: of a file.
        bpp: mean of the pictures' bits per pixel.
        psnr: mean of the pictures' PSNR, dB.
        ms_ssim: mean of the pictures' MS-SSIM.
        ms_ssim_db: that mean in dB, -10 log10(1 - mean).
        overhead: all section bits over all model bits, minus 1: what coding adds to the model's own cross-entropy.
        encode: seconds per picture.
        decode: seconds per picture.
    """

    bytes: float
    bpp: float
    psnr: float
    ms_ssim: float
    ms_ssim_db: float
    overhead: float
    encode: StageSeconds
    decode: StageSeconds


class QualityResult(_Record):
    """All pictures at one quality level."""

    quality: int
    mean: Mean
    images: tuple[ImageResult, ...]

    @classmethod
    def of(cls, quality: int, images: Sequence[ImageResult]) -> QualityResult:
        """With the means of ``images``, of which there is at least one."""
        similarity = _mean([image.ms_ssim for image in images])
        mean = Mean(
            bytes=_mean([image.bytes for image in images]),
            bpp=_mean([image.bpp for image in images]),
            psnr=_mean([image.psnr for image in images]),
            ms_ssim=similarity,
            ms_ssim_db=ms_ssim_db(similarity),
            overhead=8 * sum(image.section_bytes for image in images) / sum(image.model_bits for image in images) - 1,
            encode=StageSeconds.mean([image.encode for image in images]),
            decode=StageSeconds.mean([image.decode for image in images]),
        )
        return cls(quality=quality, mean=mean, images=tuple(images))


class Evaluation(_Record):
    """A codec, measured on a folder of pictures.

    Attributes:
        model: label by which reports call it.
        recipe: resolved, as `plic.core.recipe.Recipe.resolved` gives it.
        fingerprint: SHA-256 of the frozen weights in hexadecimal; streams carry its first 8 digits.
        data: name of the folder.
        threads: of the networks.
        versions: of plic, the libraries that computed, Python and the platform.
        qualities: results, in the order asked for.
    """

    model: str
    recipe: dict[str, Any]
    fingerprint: str
    data: str
    threads: int
    versions: dict[str, str]
    qualities: tuple[QualityResult, ...]

    def curve(self, metric: Literal["psnr", "ms_ssim_db"] = "psnr") -> Curve:
        """Mean bits per pixel and mean quality in dB, for `bd_rate`.

        Raises:
            PlicError: there are fewer than two points, or a value is not finite.
        """
        means = [result.mean for result in self.qualities]
        return Curve(tuple(mean.bpp for mean in means), tuple(getattr(mean, metric) for mean in means))


class _File(_Record):
    plic_evaluation: Literal[1] = 1
    evaluations: tuple[Evaluation, ...]


def write_evaluations(path: str | Path, evaluations: Sequence[Evaluation]) -> None:
    """Write a results file, whole or not at all.

    Raises:
        FileError: it cannot be written.
    """
    write_atomically(path, _File(evaluations=tuple(evaluations)).model_dump_json(indent=1).encode() + b"\n")


def read_evaluations(path: str | Path) -> list[Evaluation]:
    """Read a results file.

    Raises:
        FileError: it cannot be read.
        PlicError: it is not a results file.
    """
    data = read_file(path)
    try:
        return list(_File.model_validate_json(data).evaluations)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise PlicError(
            f"{path} is not a results file", got=f"{where}: {first['msg']}", hint="write one with `plic evaluate`"
        ) from error


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
