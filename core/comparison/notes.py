"""What a reader must know before believing the figures of a comparison."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from .measured import Measured
from .model import Difference, Metric, Row

_SMALL_SHARE = 0.5
"""An overlap below this share of the judged curve's span of qualities gets a note."""


def notes_on(measured: Sequence[Measured], rows: Sequence[Row]) -> tuple[str, ...]:
    """Sentences about whatever makes figures less comparable than they look.

    Args:
        measured: all models.
        rows: all curves, compared.
    """
    return (
        *_data(measured),
        *_anchors(measured[0], rows),
        *_overlaps(rows),
        *_seconds(measured),
        *_points(rows),
        *_metrics(measured),
    )


def _data(measured: Sequence[Measured]) -> Iterator[str]:
    names = sorted({one.evaluation.data for one in measured})
    if len(names) > 1:
        folders = ", ".join(names)
        yield f"The folders of pictures are called differently ({folders}); names and sizes of the pictures agree."


def _anchors(measured: Measured, rows: Sequence[Row]) -> Iterator[str]:
    """Anchors that are means over other pictures: one sentence for all that share a set."""
    count = len(measured.pictures)
    here = f"{count} of {measured.evaluation.data}"
    others: dict[str, list[str]] = {}
    for row in rows:
        if (anchor := row.anchor) is None:
            continue
        if anchor.data.casefold() != measured.evaluation.data.casefold() or anchor.pictures not in (None, count):
            there = f"{'all' if anchor.pictures is None else anchor.pictures} pictures of {anchor.data}"
            others.setdefault(there, []).append(row.label)
    for there, labels in others.items():
        yield (
            f"{', '.join(labels)}: mean over {there}, the models over {here}. Unless these are the same pictures, the "
            "difference means nothing."
        )


def _overlaps(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        for metric in Metric:
            found = row.difference(metric)
            if isinstance(found, Difference) and found.share < _SMALL_SHARE:
                yield (
                    f"The BD figures of {row.label} for {metric.heading} hold for only {found.share:.0%} of its "
                    "qualities; the anchor does not reach the others."
                )


def _seconds(measured: Sequence[Measured]) -> Iterator[str]:
    crowded = [one.label for one in measured if one.evaluation.processes > 1]
    if crowded:
        yield f"{', '.join(crowded)}: several processes coded side by side, so their seconds mean little."
    settings = {
        one.label: f"{one.evaluation.threads} thread{'s' * (one.evaluation.threads > 1)} on "
        f"{one.evaluation.versions.get('platform', 'an unnamed machine')}"
        for one in measured
    }
    if len(set(settings.values())) > 1:
        listed = "; ".join(f"{label}: {setting}" for label, setting in settings.items())
        yield f"Seconds were measured under different conditions ({listed}) and cannot be compared."


def _points(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if len(row.points) == 1:
            yield f"{row.label} was measured at one quality only, so it has no BD figures."
        for metric in Metric:
            infinite = sum(math.isinf(point.value(metric)) for point in row.points)
            unknown = sum(math.isnan(point.value(metric)) for point in row.points)
            if infinite:
                yield (
                    f"{row.label}: {metric.heading} is infinite at {infinite} of {len(row.points)} points (pictures "
                    "came back identical); they are neither drawn nor in the BD figures."
                )
            if unknown and row.measured is not None:
                yield (
                    f"{row.label}: {metric.heading} is not defined at {unknown} of {len(row.points)} points (pictures "
                    "of fewer than 161 pixels on a side); they are neither drawn nor in the BD figures."
                )


def _metrics(measured: Sequence[Measured]) -> Iterator[str]:
    """Metrics of plugins that bear one name and may not be the same thing."""
    providers: dict[str, dict[str, str]] = {}
    for one in measured:
        for name, facts in one.evaluation.metrics.items():
            providers.setdefault(name, {})[one.label] = facts.provider
    for name, found in providers.items():
        if len(set(found.values())) > 1:
            listed = "; ".join(f"{label}: {provider}" for label, provider in found.items())
            yield f"The metric {name} was computed by different plugins ({listed}); its values may not be comparable."
