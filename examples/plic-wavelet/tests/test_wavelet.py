"""The part keeps what its slot promises, and plic finds it."""

from __future__ import annotations

import numpy as np
import pytest
import pywt
import torch
from plic.core.errors import PlicError, RecipeError, UnknownName
from plic.core.registry import default_registry

from plic_wavelet import Wavelet, contracts


class TestWavelet(contracts.WaveletContract):
    """Every check of the conformance class of the slot, with the settings that `contracts` states."""


class TestLongWavelet(contracts.LongWaveletContract):
    """Likewise, periodic."""


class TestHalfWavelet(contracts.HalfWaveletContract):
    """Likewise, with mirrors between samples."""


class TestHaarWavelet(contracts.HaarWaveletContract):
    """Likewise, without a margin."""


def test_plic_finds_it() -> None:
    """If not: install this distribution (pip install -e '.[test]'), and see `plic plugins`."""
    found = default_registry().part("transform", "wavelet")
    assert found is Wavelet


@pytest.mark.parametrize("name", [name for name in pywt.wavelist(kind="discrete") if name != "dmey"])
def test_every_filter_bank_of_the_library_loses_nothing(name: str) -> None:
    part = Wavelet(levels=2, wavelet=name)
    x = torch.rand(1, 3, 4, 12, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(part.synthesis(part.analysis(x)), x, atol=1e-5)


@pytest.mark.parametrize("name", ["db2", "sym4", "coif1"])
def test_periodic_coefficients_are_those_of_the_library(name: str) -> None:
    """The same numbers, which begin at another place; brightness of a grey picture stands for all."""
    grey = np.random.default_rng(0).random((16, 16))
    odd = pywt.Wavelet(name).dec_len % 4 == 0  # the library begins an odd number of samples away
    with torch.no_grad():
        y = Wavelet(levels=1, wavelet=name, step=1.0).analysis(torch.tensor(grey).float().expand(1, 3, 16, 16))
    low, _ = pywt.dwt2(np.sqrt(3) * (np.roll(grey, int(odd), (0, 1)) - 0.5), name, "periodization")
    np.testing.assert_allclose(np.sort(y[0, 0].flatten()), np.sort(low.flatten()), atol=1e-5)


def test_without_borders_coefficients_are_those_of_the_library() -> None:
    """What CDF 9/7 gives far from the borders, scaled by the norm that the bank states."""
    grey = np.random.default_rng(0).random((40, 40))
    with torch.no_grad():
        y = Wavelet(levels=1, step=1.0).analysis(torch.tensor(grey).float().expand(1, 3, 40, 40))[0, 0].numpy()
    low, _ = pywt.dwt2(np.sqrt(3) * (grey - 0.5), "bior4.4", "symmetric")
    inside = low[7:15, 7:15]
    ratio = y[5:13, 5:13] / inside
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [("bior4.5", UnknownName, "bior4.4"), ("morl", UnknownName, "biorthogonal"), ("dmey", RecipeError, "give back")],
)
def test_other_wavelets_are_refused(name: str, error: type[PlicError], said: str) -> None:
    with pytest.raises(error, match=said):
        Wavelet(wavelet=name)
