"""Contract of refiners."""

from __future__ import annotations

from typing import ClassVar

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..slots import Assessment, Cost, Latents, Objective, Refiner
from .broken import fail, require
from .compare import require_finite, require_same_bits, require_shape
from .contract import PartContract, contract, for_any
from .data import latent, on_grid, seeds, sides

WEIGHT = 0.2
"""Of the distortion of the objective that refiners are tried with."""


class Valley(Objective):
    """An objective with much to gain: the latents lie far from a target that costs fewer bits.

    Args:
        targets: where the distortion is nothing, for y and z.
        budget: assessments after the first.
    """

    def __init__(self, targets: list[Tensor], budget: int) -> None:
        self.targets, self.budget = targets, budget
        self.totals: list[float] = []
        self.late = 0

    @property
    def exhausted(self) -> bool:
        return len(self.totals) > self.budget

    def assess(self, latents: Latents) -> Assessment:
        self.late += self.exhausted
        rate, distortion = torch.zeros(()), torch.zeros(())
        grid = []
        for x, target in zip(_tensors(latents), self.targets, strict=True):
            rounded = x + (torch.round(x) - x).detach()
            grid.append(torch.round(x.detach()))
            rate = rate + (1 + rounded.square()).log2().mean()
            distortion = distortion + (rounded - target).square().mean()
        loss = rate + WEIGHT * distortion
        cost = Cost(float(rate.detach()), float(distortion.detach()), float(loss.detach()))
        self.totals.append(cost.total)
        return Assessment(cost, Latents(grid[0], grid[1] if len(grid) > 1 else None), loss)


class RefinerContract(PartContract[Refiner]):
    """What every refiner promises; see `plic.core.slots.Refiner`.

    Attributes:
        budget: assessments within which an easy search must have found something better.
    """

    plic_slot = "refiner"
    examples = 8
    budget: ClassVar[int] = 40

    @for_any(height=sides(4), width=sides(4), side=st.booleans(), budget=st.integers(0, 12), seed=seeds)
    def test_result_is_the_best_that_was_found(
        self, height: int, width: int, side: bool, budget: int, seed: int
    ) -> None:
        """The result costs as little as the best latents that were assessed, and never more than the start."""
        start, objective = _valley(seed, height, width, side, budget)
        result = self.make().refine(start, objective)
        seen = list(objective.totals)
        before = Valley(objective.targets, 0).assess(start).cost.total
        after = Valley(objective.targets, 0).assess(result).cost.total
        require(after <= before, "the result costs more than the start", got=after, expected=f"at most {before}")
        best = min([before, *seen])
        slack = 1e-3 * abs(best)  # what is hardly better need not count
        require(after <= best + slack, "something better was found and not kept", got=after, expected=best)

    @for_any(height=sides(4), width=sides(4), side=st.booleans(), seed=seeds)
    def test_shapes_and_start_stay(self, height: int, width: int, side: bool, seed: int) -> None:
        """The result has the shapes of the start and no graph; the start is not changed in place."""
        start, objective = _valley(seed, height, width, side, 6)
        kept = [x.clone() for x in _tensors(start)]
        result = self.make().refine(start, objective)
        require((result.z is None) == (start.z is None), "side latents appear or vanish", got=result.z)
        for name, before, now, after in zip("yz", kept, _tensors(start), _tensors(result), strict=False):
            require_same_bits(now, before, f"{name} of the start is changed in place")
            require_shape(after, tuple(before.shape), f"{name} of the result")
            require_finite(after.detach(), f"{name} of the result")
            require(after.dtype is before.dtype, f"{name} changes its type", got=after.dtype, expected=before.dtype)
            require(not after.requires_grad, f"{name} of the result holds on to a graph")

    @for_any(budget=st.integers(0, 30), seed=seeds)
    def test_budgets_are_kept(self, budget: int, seed: int) -> None:
        """Once the objective is exhausted nothing more is assessed."""
        start, objective = _valley(seed, 3, 3, True, budget)
        self.make().refine(start, objective)
        if objective.late:
            fail("it assesses latents after the budget is spent", got=f"{objective.late} times", expected="never")

    @contract
    def test_it_finds_something_better(self) -> None:
        """Where much is to be gained, a part of it is found."""
        start, objective = _valley(0, 4, 4, True, self.budget)
        self.make().refine(start, objective)
        first, best = objective.totals[0], min(objective.totals)
        require(best < first, f"nothing better is found in {self.budget} assessments", got=best, expected=f"< {first}")

    @for_any(seed=seeds)
    def test_the_same_each_time(self, seed: int) -> None:
        """Two searches from one start give the same latents."""
        found = []
        for _ in range(2):
            start, objective = _valley(seed, 3, 4, True, 10)
            found.append(_tensors(self.make().refine(start, objective)))
        for one, other in zip(*found, strict=True):
            require_same_bits(other, one, "two searches differ")


def _valley(seed: int, height: int, width: int, side: bool, budget: int) -> tuple[Latents, Valley]:
    """Where a search starts, and its objective."""
    shapes = [(1, 3, height, width)] + ([(1, 2, -(-height // 2), -(-width // 2))] if side else [])
    targets = [latent(seed + index, *shape, spread=1).float() for index, shape in enumerate(shapes)]
    y, *z = [target + 3 + on_grid(seed + 2, *target.shape, spread=1).float() for target in targets]
    return Latents(y, z[0] if z else None), Valley(targets, budget)


def _tensors(latents: Latents) -> list[Tensor]:
    return [x for x in (latents.y, latents.z) if x is not None]
