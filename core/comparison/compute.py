"""From evaluations and anchors to a `Comparison`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..errors import PlicError, PluginError, UnknownName, near_matches
from ..evaluation import Curve, Mean, QualityResult, StageSeconds, bd_psnr, bd_rate, ms_ssim_db, overlap
from ..evaluation.anchors import Anchor
from .measured import Measured
from .model import Comparison, Costs, Difference, ExtraMetric, Metric, NoDifference, Point, Row
from .notes import notes_on

_UNKNOWN = NoDifference("not compared yet")


def compare(
    measured: Sequence[Measured],
    anchors: Mapping[str, Anchor],
    *,
    anchor: str | None = None,
    show: Sequence[str] = (),
) -> Comparison:
    """Compare models with one another and with shipped anchors.

    Args:
        measured: at least one, all on the same pictures; see `read_measured`.
        anchors: shipped ones by id.
        anchor: what to compare with: the label of a model or the id of a shipped anchor. When None, the shipped anchor
            that is the default for these pictures, or else the first model.
        show: ids of further shipped anchors.

    Raises:
        UnknownName: there is no such anchor.
        PluginError: the package ``bjontegaard`` is not installed.
    """
    rows = [_model_row(one) for one in measured]
    data = measured[0].evaluation.data
    reference = anchor or _default(anchors, data, len(measured[0].pictures)) or rows[0].label
    wanted = [*([] if reference in {row.label for row in rows} else [reference]), *show]
    rows += [_anchor_row(_find(name, anchors, rows)) for name in dict.fromkeys(wanted)]
    chosen = next(row for row in rows if reference in _names(row))
    compared = tuple(_against(chosen, row) for row in rows)
    return Comparison(data, measured[0].pictures, compared, notes_on(measured, compared), _extra_metrics(measured))


def _extra_metrics(measured: Sequence[Measured]) -> tuple[ExtraMetric, ...]:
    found: dict[str, ExtraMetric] = {}
    for one in measured:
        for name, facts in one.evaluation.metrics.items():
            found.setdefault(name, ExtraMetric(name, facts))
    return tuple(found.values())


def _default(anchors: Mapping[str, Anchor], data: str, pictures: int) -> str | None:
    """The anchor that is the default for a set of pictures, if that was measured as a whole."""
    named = (name for name, one in anchors.items() if one.default and one.data.casefold() == data.casefold())
    return next((name for name in named if anchors[name].pictures in (None, pictures)), None)


def _find(name: str, anchors: Mapping[str, Anchor], rows: Sequence[Row]) -> Anchor:
    if name not in anchors:
        labels = [row.label for row in rows]
        raise UnknownName(
            f"nothing is called {name!r} that could be compared with",
            expected=f"a compared model ({', '.join(labels)}) or a shipped anchor",
            near=near_matches(name, [*labels, *anchors]),
            hint="list the shipped anchors with `plic anchors`",
        )
    return anchors[name]


def _names(row: Row) -> tuple[str, ...]:
    return (row.label,) if row.anchor is None else (row.label, row.anchor.id)


def _model_row(measured: Measured) -> Row:
    evaluation = measured.evaluation
    points = [_point(result) for result in evaluation.qualities]
    return Row(
        label=measured.label,
        title=str(evaluation.recipe.get("title", "")),
        points=tuple(sorted(points, key=lambda point: point.bpp)),
        psnr=_UNKNOWN,
        ms_ssim=_UNKNOWN,
        is_reference=False,
        measured=measured,
        costs=_costs(measured),
    )


def _point(result: QualityResult) -> Point:
    mean = result.mean
    return Point(result.quality, mean.bpp, mean.psnr, mean.ms_ssim_db, mean.estimate_bpp, mean.metrics)


def _anchor_row(anchor: Anchor) -> Row:
    unknown = (math.nan,) * len(anchor.rate)
    similarity = unknown if anchor.ms_ssim is None else map(ms_ssim_db, anchor.ms_ssim)
    points = [Point(None, *values) for values in zip(anchor.rate, anchor.psnr or unknown, similarity, strict=True)]
    return Row(
        label=anchor.id,
        title=anchor.title,
        points=tuple(sorted(points, key=lambda point: point.bpp)),
        psnr=_UNKNOWN,
        ms_ssim=_UNKNOWN,
        is_reference=False,
        anchor=anchor,
    )


def _costs(measured: Measured) -> Costs:
    evaluation = measured.evaluation
    means = [result.mean for result in evaluation.qualities]
    return Costs(
        encode=StageSeconds.mean([mean.encode for mean in means]),
        decode=StageSeconds.mean([mean.decode for mean in means]),
        encode_steps=_mean(means, lambda mean: mean.encode_steps),
        decode_steps=_mean(means, lambda mean: mean.decode_steps),
        encode_macs=evaluation.encode_macs_per_pixel,
        decode_macs=evaluation.decode_macs_per_pixel,
        parameters=evaluation.parameters,
        encode_memory=_mean(means, lambda mean: mean.encode_memory),
        decode_memory=_mean(means, lambda mean: mean.decode_memory),
        overhead=sum(mean.overhead for mean in means) / len(means),
    )


def _mean(means: Sequence[Mean], value: Callable[[Mean], float | None]) -> float | None:
    values = [one for one in map(value, means) if one is not None]
    return sum(values) / len(values) if len(values) == len(means) else None


def _against(reference: Row, row: Row) -> Row:
    if row is reference:
        itself = NoDifference("the anchor")
        return replace(row, psnr=itself, ms_ssim=itself, is_reference=True)
    return replace(
        row,
        psnr=_difference(reference, row, Metric.PSNR),
        ms_ssim=_difference(reference, row, Metric.MS_SSIM),
    )


def _difference(reference: Row, row: Row, metric: Metric) -> Difference | NoDifference:
    for one in (reference, row):
        if len(drawn := one.drawn(metric)) < 2:
            known = "no" if not drawn else "only one"
            return NoDifference(f"{one.label} has {known} point with a finite {metric.heading}; two are needed")
    try:
        return _figures(reference.curve(metric), row.curve(metric))
    except PluginError:
        raise
    except PlicError as error:
        return NoDifference(error.problem)


def _figures(anchor: Curve, test: Curve) -> Difference:
    low, high = overlap(anchor, test)
    span = max(test.quality) - min(test.quality)
    return Difference(bd_rate(anchor, test), bd_psnr(anchor, test), low, high, (high - low) / span)
