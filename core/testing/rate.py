"""Contract of rate parts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import ClassVar

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..slots import Rate
from .broken import require
from .compare import require_close, require_finite, require_gradients, require_same_bits, require_shape, transplant
from .contract import PartContract, contract, for_any
from .data import enlivened, on_grid, seeds, sides

TOLERANCE = 1e-4
SHARES = (1 / 256, 0.5, 0.75)
"""Parts of the way from one level to the next that are tried; 1/256 is the smallest that a stream knows."""


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
        """There is one quality level at least, and whether there are qualities between levels is said."""
        levels, interpolates = self.make().levels, self.make().interpolates
        require(isinstance(interpolates, bool), "interpolates is neither True nor False", got=interpolates)
        require(isinstance(levels, int) and levels >= 1, "there are no levels", got=levels, expected="1 or more")

    @for_any(height=sides(4), width=sides(4), batch=st.integers(1, 3), seed=seeds)
    def test_unscale_inverts_scale(self, height: int, width: int, batch: int, seed: int) -> None:
        """Before training, unscaling undoes scaling at every level, and between them; shapes stay."""
        rate = self.make()
        y = on_grid(seed, batch, self.channels, height, width).float()
        for level in _qualities(rate):
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
        sizes = _sizes(rate, on_grid(seed, 1, self.channels, 3, 3).float(), range(rate.levels))
        rising = all(a <= b for a, b in pairwise(sizes))
        require(rising and (rate.levels == 1 or sizes[0] < sizes[-1]), "levels do not rise in quality", got=sizes)

    @for_any(seed=seeds)
    def test_fractions_lie_between_levels(self, seed: int) -> None:
        """Before training, if it interpolates, qualities between two levels that differ scale by what lies between."""
        rate = self.make()
        if not rate.interpolates:
            return
        y = on_grid(seed, 1, self.channels, 3, 3).float()
        for level in range(rate.levels - 1):
            path = [level, *(level + share for share in SHARES), level + 1]
            sizes = _sizes(rate, y, path)
            rising = all(a < b for a, b in pairwise(sizes)) or sizes[0] == sizes[-1]
            require(rising, "qualities between two levels do not rise from one to the other", got=sizes, at=str(path))

    @for_any(seed=seeds)
    def test_whole_qualities_are_levels(self, seed: int) -> None:
        """If it interpolates, a whole quality given as float32 does to the last bit what the level does."""
        rate = enlivened(self.make())
        y, quality = on_grid(seed, rate.levels, self.channels, 2, 3).float(), torch.arange(rate.levels)
        for name, function in (("scale", rate.scale), ("unscale", rate.unscale)):
            if rate.interpolates:
                got, problem = function(y, quality.float()), f"{name} takes a level given as a float for another"
                require_same_bits(got, function(y, quality), problem)

    @for_any(seed=seeds)
    def test_images_have_their_own_quality(self, seed: int) -> None:
        """In a batch of several qualities each image is treated as alone."""
        rate = enlivened(self.make())
        quality = torch.arange(3) * 7 % rate.levels
        if rate.interpolates:
            quality = (quality + torch.tensor([0.5, 0, 0.25])).clamp(max=rate.levels - 1)
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

    @contract
    def test_a_start_from_another_is_that_or_fresh(self) -> None:
        """Started from a trained part at its own levels, a part scales as that does, or as if nothing had happened."""
        trained, fresh, started = enlivened(self.make(1)), self.make(2), self.make(2)
        started.start_from(trained, torch.arange(trained.levels, dtype=torch.float32))
        y = on_grid(0, 1, self.channels, 2, 2).float()
        for level in range(trained.levels):
            quality = torch.tensor([level])
            for name in ("scale", "unscale"):
                got, *allowed = (getattr(part, name)(y, quality).detach() for part in (started, trained, fresh))
                near = any(torch.allclose(got, one, rtol=TOLERANCE, atol=TOLERANCE) for one in allowed)
                require(near, f"started from another, {name} is neither the other's nor the fresh one", got=got)


def _qualities(rate: Rate) -> list[float]:
    """Every level, as int, and some points between each two."""
    between = [level + share for level in range(rate.levels - 1) for share in SHARES] if rate.interpolates else []
    return [*range(rate.levels), *between]


def _sizes(rate: Rate, y: Tensor, qualities: Iterable[float]) -> list[float]:
    """Mean magnitude of ``y`` scaled at each quality."""
    return [float(rate.scale(y, torch.tensor([quality])).detach().abs().double().mean()) for quality in qualities]
