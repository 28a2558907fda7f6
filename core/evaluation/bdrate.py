"""Rate-distortion curves and the difference between two of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..errors import PlicError, missing_package

Metric = Literal["psnr", "ms_ssim_db"]
"""What a curve's quality is, both in dB."""


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
    return _delta("bd_rate", anchor, test)


def bd_psnr(anchor: Curve, test: Curve) -> float:
    """Mean difference in quality at equal rate (Bjøntegaard's delta PSNR; of MS-SSIM likewise).

    Quality is interpolated as a function of the logarithm of the rate by PCHIP through all points of both curves, and
    integrated over the rates that both reach.

    Args:
        anchor: curve that is compared with.
        test: curve that is judged.

    Returns:
        dB; positive when ``test`` is better than ``anchor``.

    Raises:
        PlicError: no rate is reached by both, or a curve has two points of one rate.
        PluginError: the package ``bjontegaard`` is not installed.
    """
    for curve in (anchor, test):
        if len(set(curve.rate)) < len(curve.rate):
            raise PlicError("the curve has two qualities at one rate", got=f"rates {_values(curve.rate)}")
    _common(anchor.rate, test.rate, "rate", "bpp")
    return _delta("bd_psnr", anchor, test)


def overlap(anchor: Curve, test: Curve) -> tuple[float, float]:
    """Lowest and highest quality that both curves reach, in dB.

    Raises:
        PlicError: there is none.
    """
    return _common(anchor.quality, test.quality, "quality", "dB")


def _delta(name: Literal["bd_rate", "bd_psnr"], anchor: Curve, test: Curve) -> float:
    try:
        import bjontegaard
    except ImportError as error:
        raise missing_package("Bjøntegaard's deltas need the package bjontegaard", "report") from error
    key: Literal["quality", "rate"] = "quality" if name == "bd_rate" else "rate"  # what is interpolated over must rise
    a, b = _sorted(anchor, key), _sorted(test, key)
    compute = getattr(bjontegaard, name)
    return float(
        compute(a.rate, a.quality, b.rate, b.quality, method="pchip", require_matching_points=False, min_overlap=0)
    )


def _common(anchor: Sequence[float], test: Sequence[float], what: str, unit: str) -> tuple[float, float]:
    low = max(min(anchor), min(test))
    high = min(max(anchor), max(test))
    if low >= high:
        raise PlicError(
            f"the curves have no {what} in common, so they cannot be compared",
            got=f"{_range(anchor, unit)} and {_range(test, unit)}",
            hint="evaluate at more qualities",
        )
    return low, high


def _sorted(curve: Curve, key: Literal["quality", "rate"]) -> Curve:
    order = sorted(range(len(curve.rate)), key=getattr(curve, key).__getitem__)
    return Curve(tuple(curve.rate[index] for index in order), tuple(curve.quality[index] for index in order))


def _values(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values) or "none"


def _range(values: Sequence[float], unit: str) -> str:
    return f"{min(values):.4g} to {max(values):.4g} {unit}"
