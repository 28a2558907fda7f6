"""Filter banks from PyWavelets: where their filters lie, how they go on beyond a border, what their outputs weigh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pywt
from plic.core.errors import RecipeError, UnknownName, near_matches

Taps = npt.NDArray[np.float64]

LOSS = 1e-6
"""Largest part of a sample that may come back as another's: what is called a filter bank should have none."""
TINY = 1e-6
"""Taps below this share of the largest count as the zeros that the library pads filters with."""


@dataclass(frozen=True)
class Bank:
    """Two analysis and two synthesis filters, low and high, as the library orders them.

    With ``s = shift``, coefficient ``n`` of a band is ``sum_k analysis[band, k] x[2 n + 1 + s - k]``, and a signal is
    ``x[m] = sum over bands and n of c[band, n] synthesis[band, m - s + L - 2 - 2 n]``, for signals without borders.

    Attributes:
        analysis, synthesis: ``(2, L)``, with ``L`` even.
        folds: whether a signal goes on beyond a border as its mirror image, for which the filters must be symmetric;
            otherwise it goes on at its other end.
        twice_centres: where the analysis filters have their centres, times two; zeros where nothing is folded.
        half: whether these centres lie between two taps: mirrors then stand between samples, and turn signs of high
            bands.
        shift: by which signals are moved, so that no coefficient lies on a mirror.
    """

    analysis: Taps
    synthesis: Taps
    folds: bool
    twice_centres: tuple[int, int]
    half: bool
    shift: int

    @property
    def length(self) -> int:
        return int(self.analysis.shape[1])

    @property
    def first(self) -> tuple[int, int]:
        """Number of the first coefficient that is kept, for each band: the first that lies within the signal."""
        if not self.folds:
            return (0, 0)
        low, high = (-((2 + 2 * self.shift - centre) // 4) for centre in self.twice_centres)
        return (low, high)


def bank(name: str) -> Bank:
    """The filter bank of an orthogonal or biorthogonal wavelet.

    Raises:
        UnknownName: the library has no such wavelet, or one that is no filter bank.
        RecipeError: the filters do not give back what they are given; `dmey` of the library is an approximation.
    """
    known = pywt.wavelist(kind="discrete")
    if name not in known:
        raise UnknownName(
            f"{name!r} is no orthogonal or biorthogonal wavelet",
            got=name,
            expected="a name that pywt.wavelist(kind='discrete') gives",
            near=near_matches(name, known),
        )
    wavelet = pywt.Wavelet(name)
    analysis = np.array([wavelet.dec_lo, wavelet.dec_hi])
    synthesis = np.array([wavelet.rec_lo, wavelet.rec_hi])
    loss = _loss(analysis, synthesis)
    if loss > LOSS:
        raise RecipeError(
            f"the filters of the wavelet {name!r} do not give back what they are given",
            got=f"an error of {loss:.1e} of the signal",
            expected=f"at most {LOSS:.0e}",
            hint="choose another, for instance bior4.4",
        )
    centres = _twice_centres(analysis, synthesis)
    if centres is None:
        return Bank(analysis, synthesis, folds=False, twice_centres=(0, 0), half=False, shift=0)
    half = centres[0] % 2 == 1
    shift = int(half and (2 - centres[0]) % 4 != 1)  # coefficients between samples 0 and 1, not before sample 0
    return Bank(analysis, synthesis, folds=True, twice_centres=centres, half=half, shift=shift)


def support(taps: Taps) -> tuple[int, int]:
    """First and last tap that is not next to nothing."""
    places = np.flatnonzero(np.abs(taps) > TINY * np.abs(taps).max())
    return int(places[0]), int(places[-1])


def synthesis_norms(bank: Bank, levels: int) -> tuple[Taps, Taps]:
    """Norms of what one coefficient becomes in the signal, of low and high bands, each ``(levels,)``, finest first."""
    low, high = np.ones(1), np.ones(1)
    norms = []
    for level in range(levels):
        spread = np.zeros((2, 2**level * (bank.length - 1) + 1))
        spread[:, :: 2**level] = bank.synthesis
        low, high = (np.convolve(low, taps) for taps in spread)
        norms.append((np.linalg.norm(low), np.linalg.norm(high)))
    lows, highs = np.array(norms).T
    return lows, highs


def _loss(analysis: Taps, synthesis: Taps) -> float:
    """Largest error of a unit impulse that went through both, at an even or odd place, far from borders."""
    length = analysis.shape[1]
    errors = []
    for place in (0, 1):
        impulse = np.zeros(4 * length)
        impulse[2 * length + place] = 1
        back = np.zeros(6 * length)
        for down, up in zip(analysis, synthesis, strict=True):
            coefficients = np.convolve(impulse, down)
            coefficients[::2] = 0  # those with odd numbers are kept
            full = np.convolve(coefficients, up)
            back[: len(full)] += full
        back[2 * length + place + length - 1] -= 1
        errors.append(float(np.abs(back).max()))
    return max(errors)


def _twice_centres(analysis: Taps, synthesis: Taps) -> tuple[int, int] | None:
    """Twice the centres of the analysis filters, if mirroring at the borders loses nothing; else None."""
    length = analysis.shape[1]
    found = []
    for band in (0, 1):
        first, last = support(analysis[band])
        back = support(synthesis[band])
        odd_length = (last - first) % 2 == 0
        sign = 1 if odd_length or band == 0 else -1
        for taps, (start, end) in ((analysis[band], (first, last)), (synthesis[band], back)):
            inside = taps[start : end + 1]
            if not np.allclose(inside, sign * inside[::-1], atol=1e-9):
                return None
        if sum(back) != 2 * (length - 1) - (first + last):  # a coefficient is not put back where it was taken
            return None
        found.append(first + last)
    low, high = found
    fits = (low - high) % 4 == 2 if low % 2 == 0 else (low - high) % 4 == 0
    return (low, high) if fits and low % 2 == high % 2 else None
