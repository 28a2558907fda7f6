"""What an evaluation found, as records.

    Evaluation ── qualities: QualityResult ── images: ImageResult ── encode, decode: StageSeconds
                                          └── mean: Mean

`plic.core.evaluation.results_file` writes and reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ..metric import Better
from ..stages import StageTimes
from .bdrate import Curve, Metric
from .metrics import ms_ssim_db

ENCODER_STAGES = frozenset({"analysis", "hyper analysis", "hyper synthesis", "context"})
DECODER_STAGES = frozenset({"hyper synthesis", "context", "synthesis"})
"""Stages of `plic.core.report.RecipeReport.macs_per_pixel` that the encoder and the decoder compute."""


class Record(BaseModel):
    """Base of the records that go to JSON: frozen, and without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings", protected_namespaces=())


class StageSeconds(Record):
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


class MetricFacts(Record):
    """What a results file says about a plugin's metric, so that its values can be read without the plugin.

    Attributes:
        provider: the distribution that computed it, and its version.
        better: whether higher or lower values are better.
        unit: of the values; empty if they have none.
        title: for headings.
    """

    provider: str
    better: Better
    unit: str = ""
    title: str = ""


class ImageResult(Record):
    """One picture at one quality.

    Attributes:
        name: path below the evaluated folder, with ``/`` between folders.
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
        encode_steps: sequential steps of the encoder; see `plic.core.evaluation.steps.SequentialSteps`.
        decode_steps: likewise of the decoder.
        encode_memory: bytes, the most that the process held in memory while it encoded; libraries and weights count.
            None where the system does not tell.
        decode_memory: likewise while it decoded.
        decoded: the decoded picture as a PNG file, its path relative to the results file's folder, with ``/`` between
            folders; None if it was not kept.
        metrics: values of plugins' metrics, by id; NaN where one is not defined.
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
    encode_steps: int | None = None
    decode_steps: int | None = None
    encode_memory: int | None = None
    decode_memory: int | None = None
    decoded: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict)

    @property
    def estimate_bpp(self) -> float:
        """The model's own estimate of the rate, to stand beside `bpp`."""
        return self.model_bits / (self.width * self.height)


class Mean(Record):
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
        estimate_bpp: mean of the model's own estimates of the bits per pixel.
        encode_steps: mean of the pictures' values, as are the following; None where a picture has none.
        decode_steps: likewise.
        encode_memory: bytes.
        decode_memory: bytes.
        metrics: means of plugins' metrics, by id; NaN where a picture has none.
    """

    bytes: float
    bpp: float
    psnr: float
    ms_ssim: float
    ms_ssim_db: float
    overhead: float
    encode: StageSeconds
    decode: StageSeconds
    estimate_bpp: float | None = None
    encode_steps: float | None = None
    decode_steps: float | None = None
    encode_memory: float | None = None
    decode_memory: float | None = None
    metrics: dict[str, float] = Field(default_factory=dict)

    @classmethod
    def of(cls, images: Sequence[ImageResult]) -> Mean:
        """Of at least one picture."""

        def mean(value: Callable[[ImageResult], float]) -> float:
            return _mean([value(image) for image in images])

        similarity = mean(lambda image: image.ms_ssim)
        return cls(
            bytes=mean(lambda image: image.bytes),
            bpp=mean(lambda image: image.bpp),
            psnr=mean(lambda image: image.psnr),
            ms_ssim=similarity,
            ms_ssim_db=ms_ssim_db(similarity),
            overhead=8 * sum(image.section_bytes for image in images) / sum(image.model_bits for image in images) - 1,
            encode=StageSeconds.mean([image.encode for image in images]),
            decode=StageSeconds.mean([image.decode for image in images]),
            estimate_bpp=mean(lambda image: image.estimate_bpp),
            encode_steps=_mean_if_known([image.encode_steps for image in images]),
            decode_steps=_mean_if_known([image.decode_steps for image in images]),
            encode_memory=_mean_if_known([image.encode_memory for image in images]),
            decode_memory=_mean_if_known([image.decode_memory for image in images]),
            metrics={name: _mean([image.metrics[name] for image in images]) for name in images[0].metrics},
        )


class QualityResult(Record):
    """All pictures at one quality.

    Attributes:
        quality: level, or a point between two.
        mean: over the pictures.
        images: in the order of `plic.core.image.find_pictures`.
    """

    quality: float
    mean: Mean
    images: tuple[ImageResult, ...]

    @classmethod
    def of(cls, quality: float, images: Sequence[ImageResult]) -> QualityResult:
        """With the means of ``images``, of which there is at least one."""
        return cls(quality=quality, mean=Mean.of(images), images=tuple(images))


class Evaluation(Record):
    """A codec, measured on a folder of pictures.

    Attributes:
        model: label by which reports call it.
        recipe: resolved, as `plic.core.recipe.Recipe.resolved` gives it.
        fingerprint: SHA-256 of the frozen weights in hexadecimal; streams carry its first 8 digits.
        data: name of the folder.
        threads: of the networks, in each process.
        versions: of plic, the libraries that computed, Python and the platform.
        qualities: results, in the order asked for.
        folder: absolute path of the pictures; empty in results that did not record it.
        parameters: trained parameters of all parts; None in results that did not record it.
        macs_per_pixel: multiply-accumulates per pixel by stage, counted for a picture of 768x512; see
            `plic.core.report.RecipeReport`. Empty in results that did not record them.
        processes: that coded side by side. Seconds mean little unless it is 1.
        metrics: what the metrics of plugins are, by id; empty where none was asked for.
    """

    model: str
    recipe: dict[str, Any]
    fingerprint: str
    data: str
    threads: int
    versions: dict[str, str]
    qualities: tuple[QualityResult, ...]
    folder: str = ""
    parameters: int | None = None
    macs_per_pixel: dict[str, float] = Field(default_factory=dict)
    processes: int = 1
    metrics: dict[str, MetricFacts] = Field(default_factory=dict)

    @property
    def encode_macs_per_pixel(self) -> float | None:
        """Multiply-accumulates per pixel of the encoder: analysis, side information and context; None if unknown."""
        return self._macs(ENCODER_STAGES)

    @property
    def decode_macs_per_pixel(self) -> float | None:
        """Multiply-accumulates per pixel of the decoder: side information, context and synthesis; None if unknown."""
        return self._macs(DECODER_STAGES)

    def _macs(self, stages: frozenset[str]) -> float | None:
        if not self.macs_per_pixel:
            return None
        return sum(macs for stage, macs in self.macs_per_pixel.items() if stage in stages)

    def curve(self, metric: Metric = "psnr") -> Curve:
        """Mean bits per pixel and mean quality in dB, for `bd_rate`.

        Raises:
            PlicError: there are fewer than two points, or a value is not finite.
        """
        means = [result.mean for result in self.qualities]
        return Curve(tuple(mean.bpp for mean in means), tuple(getattr(mean, metric) for mean in means))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _mean_if_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _mean(known) if len(known) == len(values) else None
