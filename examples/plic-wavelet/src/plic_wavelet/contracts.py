"""How the part is tried: by the tests of this distribution, and by `plic plugin check` wherever it is installed.

One class for each kind of filters. Needs pytest and hypothesis, so nothing else imports it.
"""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from plic.core.slots import Transform
from plic.testing import TransformContract, contract, for_any, require

from .wavelet import Wavelet

ROUNDING = 1e-5
"""Error of float32, in units of the picture's range."""
SITES = st.integers(1, 5)


class WaveletContract(TransformContract):
    """CDF 9/7, and what every way of trying the part has to keep beside the promises of its slot."""

    part = Wavelet
    settings = {"levels": 2}  # as a recipe gives them

    def made(self) -> Transform:
        """The part, once for all examples."""
        return self.kept("made", self.make)

    @for_any(height=SITES, width=SITES, seed=st.integers(0, 99))
    def test_nothing_is_lost(self, height: int, width: int, seed: int) -> None:
        """An image of any multiples of the stride comes back from its latent."""
        part = self.made()
        x = torch.rand(1, 3, height * part.stride, width * part.stride, generator=torch.Generator().manual_seed(seed))
        error = float((part.synthesis(part.analysis(x)) - x).abs().max())
        require(error < ROUNDING, "the image differs from the original", got=error, expected=f"below {ROUNDING}")

    @contract
    def test_an_error_of_one_step_costs_the_same_everywhere(self) -> None:
        """Far from borders one unit in any channel makes the same squared error: the square of the step."""
        part = self.made()
        middle, step = 12, 0.1
        y = torch.zeros(part.latent_channels, part.latent_channels, 2 * middle + 1, 2 * middle + 1)
        y[range(len(y)), range(len(y)), middle, middle] = 1
        errors = (part.synthesis(y) - 0.5).double().square().sum((1, 2, 3))
        wrong = float((errors / step**2 - 1).abs().max())
        require(wrong < 1e-4, "a channel weighs another amount", got=f"a share of {wrong} more or less")

    @contract
    def test_white_noise_costs_what_its_units_cost(self) -> None:
        """Errors that have nothing to do with one another add up, also where filters are not orthogonal."""
        part = self.made()
        noise = torch.randn(4, part.latent_channels, 20, 20, generator=torch.Generator().manual_seed(0))
        error = float((part.synthesis(noise) - 0.5).square().mean())
        wrong = abs(error / 0.1**2 - 1)
        require(wrong < 0.1, "the error of white noise is another", got=error, expected=0.1**2)


class LongWaveletContract(WaveletContract):
    """Orthogonal filters that are not symmetric: the picture is periodic, and filters are longer than small ones."""

    settings = {"levels": 1, "wavelet": "db8"}


class HalfWaveletContract(WaveletContract):
    """Symmetric filters of even length, whose mirrors stand between samples."""

    settings = {"levels": 1, "wavelet": "bior3.3"}


class HaarWaveletContract(WaveletContract):
    """The shortest filters of all: a margin of zero."""

    settings = {"levels": 2, "wavelet": "haar"}
