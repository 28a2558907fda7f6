"""Contract of distortions."""

from __future__ import annotations

from typing import ClassVar

import torch
from hypothesis import strategies as st

from ..slots import Distortion
from .broken import require
from .compare import require_close, require_finite, require_shape
from .contract import PartContract, contract, for_any
from .data import pictures, seeds

NEARLY = 1e-4
"""Relative to the distortion of two unrelated pictures."""


def _sides(self: DistortionContract) -> st.SearchStrategy[int]:
    return st.integers(self.smallest_side, self.smallest_side + 30)


class DistortionContract(PartContract[Distortion]):
    """What every distortion promises; see `plic.core.slots.Distortion`.

    Attributes:
        smallest_side: least height and width of a picture that it takes.
    """

    plic_slot = "distortion"
    examples = 10
    smallest_side: ClassVar[int] = 1

    @for_any(height=_sides, width=_sides, batch=st.integers(1, 3), seed=seeds)
    def test_one_number_for_each_image(self, height: int, width: int, batch: int, seed: int) -> None:
        """Each image of a batch has one finite distortion, the one that it has alone."""
        part = self.make()
        x, other = pictures(seed, batch, height, width), pictures(seed + 1, batch, height, width)
        values = part(x, other)
        require_shape(values, (batch,), "the distortion")
        require_finite(values, "the distortion")
        alone = torch.cat([part(x[i : i + 1], other[i : i + 1]) for i in range(batch)])
        require_close(alone, values, 1e-4, "an image's distortion depends on the batch")

    @for_any(height=_sides, width=_sides, seed=seeds)
    def test_identical_pictures_have_none(self, height: int, width: int, seed: int) -> None:
        """Identical pictures have no distortion, others a positive one; it is never negative."""
        part = self.make()
        x, other = pictures(seed, 1, height, width), 1 - pictures(seed, 1, height, width)
        none, much = float(part(x, x)), float(part(x, other))
        require(none >= 0 and much >= 0, "a distortion is negative", got=(none, much), expected="0 or more")
        allowed = NEARLY * max(much, 1e-3)
        require(none <= allowed, "identical pictures have a distortion", got=none, expected=f"at most {allowed:.3g}")
        different = bool((x - other).abs().max() > 0.1)
        require(much > none or not different, "different pictures have no distortion", got=much)

    @for_any(amount=st.sampled_from([0.0, 1e-3, 0.1, 3.0]), seed=seeds)
    def test_gradients_are_finite(self, amount: float, seed: int) -> None:
        """The gradient with respect to the reconstruction is finite, also outside [0, 1] and where pictures agree."""
        side = max(8, self.smallest_side)
        x = pictures(seed, 2, side, side)
        leaf = (x + amount * torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))).requires_grad_()
        self.make()(x, leaf).sum().backward()  # type: ignore[no-untyped-call]
        require(leaf.grad is not None, "the reconstruction receives no gradient")
        if leaf.grad is not None:
            require_finite(leaf.grad, "the gradient")
            moves = amount == 0 or bool(leaf.grad.abs().sum() > 0)
            require(moves, "the gradient is zero although the pictures differ", at=f"noise {amount}")

    @contract
    def test_inputs_stay_as_they_are(self) -> None:
        """Neither picture is changed."""
        side = max(8, self.smallest_side)
        x, other = pictures(0, 1, side, side), pictures(1, 1, side, side)
        kept = x.clone(), other.clone()
        self.make()(x, other)
        require(torch.equal(x, kept[0]) and torch.equal(other, kept[1]), "a picture is changed")
