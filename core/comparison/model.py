"""What a comparison says, computed once; pages, plots and tables only format it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..evaluation import Curve, MetricFacts, StageSeconds
from ..evaluation.anchors import Anchor
from .measured import Measured


class Metric(StrEnum):
    """A measure of quality; the value is the name that `plic.core.evaluation.Evaluation.curve` takes."""

    PSNR = "psnr"
    MS_SSIM = "ms_ssim_db"

    @property
    def heading(self) -> str:
        """For headings and axes."""
        return "PSNR" if self is Metric.PSNR else "MS-SSIM"


@dataclass(frozen=True)
class Point:
    """A point of a curve.

    Attributes:
        quality: level of the codec; None for anchors, which do not say.
        bpp: bits per pixel.
        psnr: dB; infinite for identical pictures, NaN where it is not known.
        ms_ssim_db: likewise.
        estimate: the model's own estimate of the bits per pixel; None for anchors.
        metrics: values of plugins' metrics by id, for those that were measured.
    """

    quality: float | None
    bpp: float
    psnr: float
    ms_ssim_db: float
    estimate: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    def value(self, metric: Metric) -> float:
        """The quality in dB."""
        return self.psnr if metric is Metric.PSNR else self.ms_ssim_db


@dataclass(frozen=True)
class ExtraMetric:
    """A plugin's metric that at least one model was measured with. There are no BD figures of it.

    Attributes:
        id: of the metric.
        facts: as the first model's results state them.
    """

    id: str
    facts: MetricFacts

    @property
    def heading(self) -> str:
        """For columns: title, unit and which way is better."""
        unit = f" ({self.facts.unit})" if self.facts.unit else ""
        arrow = "\N{UPWARDS ARROW}" if self.facts.better == "higher" else "\N{DOWNWARDS ARROW}"
        return f"{self.facts.title or self.id}{unit} {arrow}"


@dataclass(frozen=True)
class Difference:
    """Bjøntegaard's differences from the anchor.

    Attributes:
        rate: percent of the anchor's bits; negative needs fewer.
        quality: dB; positive is better.
        low: lowest quality that both curves reach, dB: the figures say nothing about what lies below.
        high: highest such quality, dB.
        share: part of the judged curve's own span of qualities that low to high covers, 0 to 1.
    """

    rate: float
    quality: float
    low: float
    high: float
    share: float


@dataclass(frozen=True)
class NoDifference:
    """Why there are no BD figures, as half a sentence."""

    reason: str


@dataclass(frozen=True)
class Costs:
    """What coding costs, on average over all pictures and qualities.

    Attributes:
        encode: seconds by stage.
        decode: seconds by stage.
        encode_steps: sequential steps; None where it is not known, here and below.
        decode_steps: sequential steps.
        encode_macs: multiply-accumulates per pixel.
        decode_macs: multiply-accumulates per pixel.
        parameters: of all networks.
        encode_memory: peak, in bytes.
        decode_memory: peak, in bytes.
        overhead: what coding adds to the model's own estimate, as a share of it.
    """

    encode: StageSeconds
    decode: StageSeconds
    encode_steps: float | None
    decode_steps: float | None
    encode_macs: float | None
    decode_macs: float | None
    parameters: int | None
    encode_memory: float | None
    decode_memory: float | None
    overhead: float


@dataclass(frozen=True)
class Row:
    """One curve of the comparison.

    Attributes:
        label: by which the comparison calls it; no two are equal.
        title: what it is, in a few words.
        points: sorted by rate.
        psnr: BD figures of PSNR.
        ms_ssim: BD figures of MS-SSIM in dB.
        is_reference: it is what the others are compared with.
        measured: where it comes from, for a model; None for a shipped anchor.
        anchor: where it comes from, for a shipped anchor; None for a model.
        costs: None for a shipped anchor.
    """

    label: str
    title: str
    points: tuple[Point, ...]
    psnr: Difference | NoDifference
    ms_ssim: Difference | NoDifference
    is_reference: bool
    measured: Measured | None = None
    anchor: Anchor | None = None
    costs: Costs | None = None

    def difference(self, metric: Metric) -> Difference | NoDifference:
        """BD figures of a metric."""
        return self.psnr if metric is Metric.PSNR else self.ms_ssim

    def drawn(self, metric: Metric) -> tuple[Point, ...]:
        """The points whose quality is a finite number."""
        return tuple(point for point in self.points if math.isfinite(point.value(metric)))

    def curve(self, metric: Metric) -> Curve:
        """Through the points that are drawn.

        Raises:
            PlicError: there are fewer than two, or they make no curve.
        """
        drawn = self.drawn(metric)
        return Curve(tuple(point.bpp for point in drawn), tuple(point.value(metric) for point in drawn))


@dataclass(frozen=True)
class Comparison:
    """Curves measured on the same pictures.

    Attributes:
        data: name of the folder of pictures.
        pictures: names of the pictures, sorted.
        rows: models in the order given, then anchors.
        notes: sentences that a reader must know before believing the figures.
        metrics: of plugins, in the order of the models.
    """

    data: str
    pictures: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    metrics: tuple[ExtraMetric, ...] = ()

    @property
    def reference(self) -> Row:
        """What the others are compared with."""
        return next(row for row in self.rows if row.is_reference)

    @property
    def models(self) -> tuple[Row, ...]:
        """The rows of models."""
        return tuple(row for row in self.rows if row.measured is not None)

    @property
    def anchors(self) -> tuple[Row, ...]:
        """The rows of shipped anchors."""
        return tuple(row for row in self.rows if row.anchor is not None)
