"""Contract of rate parts."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import torch
from hypothesis import strategies as st

from ..slots import Rate
from .broken import require
from .compare import require_close, require_finite, require_gradients, require_same_bits, require_shape, transplant
from .contract import PartContract, contract, for_any
from .data import enlivened, on_grid, seeds, sides

TOLERANCE = 1e-4


class RateContract(PartContract[Rate]):
    """What every rate part promises; see `plic.core.slots.Rate`.

    Attributes:
        channels: latent channels.
    """

    plic_slot = "rate"
    channels: ClassVar[int] = 4

    def wiring(self) -> tuple[object, ...]:
        return (self.channels,)

    @contract
    def test_levels_are_declared(self) -> None:
        """There is one quality level at least."""
        levels = self.make().levels
        require(isinstance(levels, int) and levels >= 1, "there are no levels", got=levels, expected="1 or more")

    @for_any(height=sides(4), width=sides(4), batch=st.integers(1, 3), seed=seeds)
    def test_unscale_inverts_scale(self, height: int, width: int, batch: int, seed: int) -> None:
        """Before training, unscaling undoes scaling at every level; shapes stay."""
        rate = self.make()
        y = on_grid(seed, batch, self.channels, height, width).float()
        for level in range(rate.levels):
            quality = torch.full((batch,), level)
            scaled = rate.scale(y, quality)
            require_shape(scaled, tuple(y.shape), "the scaled latent")
            require_finite(scaled, "the scaled latent")
            back = rate.unscale(scaled, quality)
            require_close(back, y, TOLERANCE, "unscaling does not undo scaling", f"level {level}")

    @for_any(seed=seeds)
    def test_higher_levels_are_finer(self, seed: int) -> None:
        """Before training, no level scales up less than the one below it, and the last does more than the first."""
        rate = self.make()
        y = on_grid(seed, 1, self.channels, 3, 3).float()
        sizes = [float(rate.scale(y, torch.tensor([level])).abs().mean()) for level in range(rate.levels)]
        rising = all(a <= b for a, b in pairwise(sizes))
        require(rising and (rate.levels == 1 or sizes[0] < sizes[-1]), "levels do not rise in quality", got=sizes)

    @for_any(seed=seeds)
    def test_images_have_their_own_quality(self, seed: int) -> None:
        """In a batch of several qualities each image is treated as alone."""
        rate = enlivened(self.make())
        quality = torch.arange(3) * 7 % rate.levels
        y = on_grid(seed, 3, self.channels, 2, 3).float()
        for name, function in (("scale", rate.scale), ("unscale", rate.unscale)):
            alone = torch.cat([function(y[i : i + 1], quality[i : i + 1]) for i in range(3)])
            require_close(function(y, quality), alone, TOLERANCE, f"{name} mixes up the images of a batch")

    @contract
    def test_gradients_reach_every_parameter(self) -> None:
        """Over all levels every parameter receives a finite gradient."""
        rate = enlivened(self.make()).train()
        quality = torch.arange(rate.levels)
        y = on_grid(0, rate.levels, self.channels, 3, 3).float()
        loss = (rate.scale(y, quality) - 1).square().sum() + (rate.unscale(y, quality) - 1).square().sum()
        if loss.requires_grad:
            loss.backward()
        require_gradients(rate)

    @contract
    def test_weights_survive_a_round_trip(self) -> None:
        """What is stored is all that scaling depends on."""
        source, target = enlivened(self.make(1)), self.make(2)
        transplant(source, target)
        y, quality = on_grid(0, 1, self.channels, 2, 2).float(), torch.zeros(1, dtype=torch.int64)
        for name in ("scale", "unscale"):
            got, expected = getattr(target, name)(y, quality), getattr(source, name)(y, quality)
            require_same_bits(got, expected, f"with another's weights {name} differs")
