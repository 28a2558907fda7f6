"""Which part of the plane a figure shows at first: where the models are, not how far some anchor reaches."""

from __future__ import annotations

from dataclasses import dataclass

from .model import Comparison, Metric

_ROOM = 0.06
"""Free space around the curves, as a share of their extent."""


@dataclass(frozen=True)
class View:
    """Limits of the axes: bits per pixel, and dB."""

    rates: tuple[float, float]
    qualities: tuple[float, float]


def view(comparison: Comparison, metric: Metric) -> View | None:
    """Limits that hold all points of the models, and what anchors reach at the same rates; None without points."""
    models = [point for row in comparison.models for point in row.drawn(metric)]
    if not models:
        return None
    highest = max(point.bpp for point in models) * (1 + 2 * _ROOM)
    others = [point for row in comparison.anchors for point in row.drawn(metric) if point.bpp <= highest]
    values = [point.value(metric) for point in (*models, *others)]
    room = _ROOM * (max(values) - min(values) or 1.0)
    return View((0.0, highest), (min(values) - room, max(values) + room))
