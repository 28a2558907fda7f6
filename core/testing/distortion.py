"""Contract of distortions."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from ..errors import PlicError
from ..slots import Distortion
from .broken import fail, require
from .compare import require_close, require_finite, require_shape
from .contract import PartContract, contract, for_any
from .data import pictures, seeds

NEARLY = 1e-4
"""Relative to the distortion of two unrelated pictures."""


def _sides(self: DistortionContract) -> st.SearchStrategy[int]:
    smallest = self.make().smallest_side
    return st.integers(smallest, smallest + 30)


class DistortionContract(PartContract[Distortion]):
    """What every distortion promises; see `plic.core.slots.Distortion`."""

    plic_slot = "distortion"
    examples = 10

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
        part = self.make()
        side = max(8, part.smallest_side)
        x = pictures(seed, 2, side, side)
        leaf = (x + amount * torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))).requires_grad_()
        part(x, leaf).sum().backward()  # type: ignore[no-untyped-call]
        require(leaf.grad is not None, "the reconstruction receives no gradient")
        if leaf.grad is not None:
            require_finite(leaf.grad, "the gradient")
            moves = amount == 0 or bool(leaf.grad.abs().sum() > 0)
            require(moves, "the gradient is zero although the pictures differ", at=f"noise {amount}")

    @contract
    def test_inputs_stay_as_they_are(self) -> None:
        """Neither picture is changed."""
        part = self.make()
        side = max(8, part.smallest_side)
        x, other = pictures(0, 1, side, side), pictures(1, 1, side, side)
        kept = x.clone(), other.clone()
        part(x, other)
        require(torch.equal(x, kept[0]) and torch.equal(other, kept[1]), "a picture is changed")

    @contract
    def test_smaller_pictures_are_refused(self) -> None:
        """Pictures with a side below `smallest_side` are refused with an error of plic's tree."""
        part = self.make()
        smallest = part.smallest_side
        for height, width in ((smallest - 1, smallest), (smallest, smallest - 1)):
            if min(height, width) < 1:
                return
            x = pictures(0, 1, height, width)
            try:
                part(x, x)
            except PlicError:
                continue
            fail("a picture that is too small has a distortion", at=f"{width}x{height} pixels")
