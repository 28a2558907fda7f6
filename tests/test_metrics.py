"""Metrics against values worked out by hand."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from plic.core.errors import PlicError, PluginError
from plic.core.evaluation import (
    ms_ssim,
    ms_ssim_db,
    psnr,
)

SHAPE = (2, 2, 3)
RANDOM = np.random.default_rng(1)


def test_psnr_by_hand() -> None:
    black = np.zeros(SHAPE, np.uint8)
    assert psnr(black, black) == math.inf
    assert psnr(black, black + np.uint8(255)) == 0
    assert psnr(black + np.uint8(1), black) == pytest.approx(10 * math.log10(65025))  # 0 - 1 must not wrap to 255
    one = black.copy()
    one[0, 0, 0] = 6  # MSE 36 / 12 = 3
    assert psnr(black, one) == psnr(one, black) == pytest.approx(10 * math.log10(255**2 / 3))


def test_ms_ssim_of_flat_pictures_by_hand() -> None:
    """Without structure only the luminance term is left, at the coarsest scale, to the power of that scale's weight."""
    pytest.importorskip("pytorch_msssim")
    a, b = 100, 120
    c1 = (0.01 * 255) ** 2
    luminance = (2 * a * b + c1) / (a * a + b * b + c1)
    flat = [np.full((176, 192, 3), value, np.uint8) for value in (a, b)]
    # sides that halve evenly need no padding; every contrast term is c2 / c2 = 1, up to float32
    assert ms_ssim(*flat) == pytest.approx(luminance**0.1333, abs=2e-4)
    assert ms_ssim(flat[0], flat[0]) == pytest.approx(1)


def test_ms_ssim_of_noise_falls() -> None:
    pytest.importorskip("pytorch_msssim")
    picture = RANDOM.integers(64, 192, (176, 161, 3), dtype=np.uint8)
    values = [ms_ssim(picture, picture + RANDOM.integers(0, top, picture.shape, dtype=np.uint8)) for top in (8, 64)]
    assert 1 > values[0] > values[1] > 0


def test_small_pictures_have_no_ms_ssim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_msssim", None)
    small, large = np.zeros((160, 400, 3), np.uint8), np.zeros((161, 161, 3), np.uint8)
    assert math.isnan(ms_ssim(small, small))
    with pytest.raises(PluginError, match=r"pip install 'plic\[train\]'"):
        ms_ssim(large, large)


def test_ms_ssim_in_decibels() -> None:
    assert ms_ssim_db(0.99) == pytest.approx(20)
    assert ms_ssim_db(1) == math.inf
    assert math.isnan(ms_ssim_db(math.nan))


@pytest.mark.parametrize("other", [np.zeros((2, 3, 3), np.uint8), np.zeros((2, 2), np.uint8), np.zeros(SHAPE)])
def test_pictures_that_do_not_compare(other: np.ndarray) -> None:
    for metric in (psnr, ms_ssim):
        with pytest.raises(PlicError, match="cannot be compared"):
            metric(np.zeros(SHAPE, np.uint8), other)
