"""BD-rates and BD-PSNRs of shifted curves."""

from __future__ import annotations

import math
import sys

import pytest

from plic.core.errors import PlicError, PluginError
from plic.core.evaluation import (
    Curve,
    bd_psnr,
    bd_rate,
    overlap,
)

RATES = (0.1, 0.2, 0.45, 0.8, 1.3)
QUALITIES = (28.0, 30.5, 33.5, 36.0, 38.5)
ANCHOR = Curve(RATES, QUALITIES)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.25])
def test_bd_rate_of_a_shifted_curve(factor: float) -> None:
    pytest.importorskip("bjontegaard")
    test = Curve(tuple(factor * rate for rate in RATES), QUALITIES)
    assert bd_rate(ANCHOR, test) == pytest.approx(100 * (factor - 1))
    backwards = Curve(test.rate[::-1], test.quality[::-1])
    assert bd_rate(ANCHOR, backwards) == pytest.approx(100 * (factor - 1))


def test_bd_rate_needs_neither_equal_counts_nor_much_overlap() -> None:
    pytest.importorskip("bjontegaard")
    straight = Curve((0.1, 0.2, 0.4, 0.8), (28.0, 31.0, 34.0, 37.0))  # 3 dB for each doubling
    test = Curve((0.6, 1.2), (36.0, 39.0))  # at 36 dB the anchor needs 0.8 / 2^(1/3)
    assert overlap(straight, test) == (36.0, 37.0)
    assert bd_rate(straight, test) == pytest.approx(100 * (0.6 / (0.8 / 2 ** (1 / 3)) - 1))


@pytest.mark.parametrize("decibels", [-0.5, 0.0, 1.25])
def test_bd_psnr_of_a_raised_curve(decibels: float) -> None:
    pytest.importorskip("bjontegaard")
    test = Curve(RATES, tuple(quality + decibels for quality in QUALITIES))
    assert bd_psnr(ANCHOR, test) == pytest.approx(decibels, abs=1e-9)
    backwards = Curve(test.rate[::-1], test.quality[::-1])
    assert bd_psnr(ANCHOR, backwards) == pytest.approx(decibels, abs=1e-9)


def test_bd_psnr_refuses() -> None:
    with pytest.raises(PlicError, match="no rate in common"):
        bd_psnr(ANCHOR, Curve((2.0, 3.0), (40.0, 41.0)))
    with pytest.raises(PlicError, match="two qualities at one rate"):
        bd_psnr(ANCHOR, Curve((0.5, 0.5), (30.0, 31.0)))


def test_bd_rate_refuses() -> None:
    with pytest.raises(PlicError, match="no quality in common"):
        bd_rate(ANCHOR, Curve((1.0, 2.0), (40.0, 41.0)))
    for rate, quality in (((1.0,), (30.0,)), ((1.0, 0.0), (30.0, 31.0)), ((1.0, 2.0), (30.0, 30.0))):
        with pytest.raises(PlicError, match="make no rate-distortion curve"):
            Curve(rate, quality)
    with pytest.raises(PlicError, match="make no rate-distortion curve"):
        Curve((1.0, 2.0), (30.0, math.nan))


def test_bd_rate_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bjontegaard", None)
    with pytest.raises(PluginError, match=r"pip install 'plic\[report\]'"):
        bd_rate(ANCHOR, ANCHOR)
