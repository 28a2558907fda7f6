"""Rate-distortion curves and the difference between two of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import PlicError, PluginError


@dataclass(frozen=True)
class Curve:
    """Points of a rate-distortion curve, in any order.

    Args:
        rate: bits per pixel, positive.
        quality: PSNR or MS-SSIM in dB; no value twice.

    Raises:
        PlicError: fewer than two points, or values that make no curve.
    """

    rate: tuple[float, ...]
    quality: tuple[float, ...]

    def __post_init__(self) -> None:
        finite = all(map(math.isfinite, (*self.rate, *self.quality))) and min(self.rate, default=0) > 0
        distinct = len(set(self.quality)) == len(self.quality)
        if not (len(self.rate) == len(self.quality) >= 2 and finite and distinct):
            raise PlicError(
                "these points make no rate-distortion curve",
                got=f"rates {_values(self.rate)}; qualities {_values(self.quality)}",
                expected="at least two points with positive finite rates and different finite qualities in dB",
                hint="evaluate at more qualities",
            )


def bd_rate(anchor: Curve, test: Curve) -> float:
    """Mean difference in rate at equal quality (Bjøntegaard's delta rate).

    The logarithm of the rate is interpolated as a function of quality by PCHIP through all points of both curves, and
    integrated over the qualities that both reach (see `overlap`, which belongs beside every figure).

    Args:
        anchor: curve that is compared with.
        test: curve that is judged.

    Returns:
        Percent; negative when ``test`` needs fewer bits than ``anchor``.

    Raises:
        PlicError: no quality is reached by both.
        PluginError: the package ``bjontegaard`` is not installed.
    """
    overlap(anchor, test)
    try:
        import bjontegaard
    except ImportError as error:
        raise PluginError(
            "BD-rates need the package bjontegaard, which is not installed", hint="pip install 'plic[report]'"
        ) from error
    a, b = _sorted(anchor), _sorted(test)
    return float(
        bjontegaard.bd_rate(
            a.rate, a.quality, b.rate, b.quality, method="pchip", require_matching_points=False, min_overlap=0
        )
    )


def overlap(anchor: Curve, test: Curve) -> tuple[float, float]:
    """Lowest and highest quality that both curves reach, in dB.

    Raises:
        PlicError: there is none.
    """
    low = max(min(anchor.quality), min(test.quality))
    high = min(max(anchor.quality), max(test.quality))
    if low >= high:
        raise PlicError(
            "the curves have no quality in common, so their rates cannot be compared",
            got=f"{_range(anchor.quality)} and {_range(test.quality)}",
            hint="evaluate at more qualities",
        )
    return low, high


def _sorted(curve: Curve) -> Curve:
    points = sorted(zip(curve.quality, curve.rate, strict=True))
    return Curve(tuple(rate for _, rate in points), tuple(quality for quality, _ in points))


def _values(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values) or "none"


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f} dB"
