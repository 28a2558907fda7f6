"""The table of a comparison as CSV: one line for each point of each curve."""

from __future__ import annotations

import csv
import io
import math

from .model import Comparison, Difference, Metric, NoDifference, Point, Row

_HEAD = (
    "curve",
    "kind",
    "data",
    "quality",
    "bpp",
    "estimate_bpp",
    "psnr_db",
    "ms_ssim_db",
    "encode_seconds",
    "decode_seconds",
    "parameters",
    "encode_macs_per_pixel",
    "decode_macs_per_pixel",
    "anchor",
    *(
        f"{metric}_{column}"
        for metric in ("psnr", "ms_ssim")
        for column in ("bd_rate_percent", "bd_db", "overlap_low_db", "overlap_high_db")
    ),
)


def csv_table(comparison: Comparison) -> str:
    """One line for each point, with the curve's BD figures repeated on each; what is not known is empty.

    Columns of BD figures come with the overlap in dB for which alone they hold. Seconds are those of the point;
    numbers have all their digits, and infinity is ``inf``. Metrics of plugins, if any model was measured with them, are
    columns ``metric_ID`` at the end.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_HEAD, *(f"metric_{metric.id}" for metric in comparison.metrics)])
    for row in comparison.rows:
        writer.writerows(_line(comparison, row, point) for point in row.points)
    return text.getvalue()


def _line(comparison: Comparison, row: Row, point: Point) -> list[str | float | int]:
    encode, decode = _seconds(row, point)
    costs = row.costs
    line = [
        row.label,
        "model" if row.anchor is None else row.anchor.kind,
        comparison.data if row.anchor is None else row.anchor.data,
        point.quality,
        point.bpp,
        point.estimate,
        point.psnr,
        point.ms_ssim_db,
        encode,
        decode,
        None if costs is None else costs.parameters,
        None if costs is None else costs.encode_macs,
        None if costs is None else costs.decode_macs,
        comparison.reference.label,
        *(value for metric in Metric for value in _figures(row.difference(metric))),
        *(point.metrics.get(metric.id) for metric in comparison.metrics),
    ]
    return ["" if value is None or (isinstance(value, float) and math.isnan(value)) else value for value in line]


def _seconds(row: Row, point: Point) -> tuple[float | None, float | None]:
    if row.measured is None:
        return None, None
    mean = next(result.mean for result in row.measured.evaluation.qualities if result.quality == point.quality)
    return mean.encode.total, mean.decode.total


def _figures(found: Difference | NoDifference) -> tuple[float | None, ...]:
    if isinstance(found, NoDifference):
        return (None,) * 4
    return found.rate, found.quality, found.low, found.high
