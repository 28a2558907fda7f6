"""Contract of side information."""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..exact import harden_children
from ..slots import Head, SideInformation
from ..threads import threads
from .broken import require
from .compare import (
    require_close,
    require_gradients,
    require_on_grid,
    require_same_bits,
    require_shape,
    transplant,
)
from .contract import PartContract, contract, for_any
from .data import enlivened, latent, on_grid, seeds

LARGE = (13, 18)
"""Height and width of a latent that is large enough for threads to share the work."""


def _sides(self: SideInformationContract) -> st.SearchStrategy[int]:
    return st.integers(1, self.largest_side)


class SideInformationContract(PartContract[SideInformation]):
    """What every side information promises; see `plic.core.slots.SideInformation`.

    Attributes:
        channels: latent channels of ``y``.
        largest_side: greatest height and width of a latent that is tried, but for one larger one.
    """

    plic_slot = "side_information"
    examples = 12
    channels: ClassVar[int] = 6
    largest_side: ClassVar[int] = 12

    def wiring(self) -> tuple[object, ...]:
        return (self.channels,)

    def lively(self, seed: int = 0) -> SideInformation:
        """A part with weights that let everything it sees matter."""
        return self.kept(f"lively {seed}", lambda: cast(SideInformation, enlivened(self.make(seed))))

    def exact(self, seed: int = 0) -> SideInformation:
        """As coding uses it."""

        def make() -> SideInformation:
            part = self.lively(seed).eval()
            return cast(SideInformation, harden_children(part, (*part.exact_children, "head"), "side_information"))

        return self.kept(f"exact {seed}", make)

    def _z(self, part: SideInformation, seed: int, height: int, width: int, batch: int = 1) -> Tensor:
        sites = (-(-height // part.stride), -(-width // part.stride))
        return latent(seed, batch, part.channels, *sites, spread=20)

    @contract
    def test_sizes_are_declared(self) -> None:
        """Stride, channels of z and side features are whole numbers from 1."""
        part = self.make()
        sizes = (part.stride, part.channels, part.features)
        whole = all(isinstance(size, int) and size >= 1 for size in sizes)
        require(whole, "a size is no whole number from 1", got=f"stride, channels, features = {sizes}")

    @for_any(height=_sides, width=_sides, batch=st.integers(1, 2), seed=seeds)
    def test_shapes(self, height: int, width: int, batch: int, seed: int) -> None:
        """z is (B, Cz, ceil(h / stride), ceil(w / stride)), side features are (B, F, h, w), for any size from 1x1."""
        part = self.lively()
        y = on_grid(seed, batch, self.channels, height, width, spread=20).float()
        z = part.analysis(y)
        sites = (-(-height // part.stride), -(-width // part.stride))
        require_shape(z, (batch, part.channels, *sites), "z")
        require_shape(part.synthesis(z, height, width), (batch, part.features, height, width), "the side features")

    @contract
    def test_head_takes_no_parameters(self) -> None:
        """z is coded with the part's own head, which takes no parameters and has a median for each of its channels."""
        part = self.lively()
        require(isinstance(part.head, Head), "the head is no Head", got=type(part.head).__name__)
        count = part.head.parameters_per_element
        require(count == 0, "the head takes parameters", got=count, expected=0)
        offsets = part.head.offsets()
        require(offsets is not None, "the head has no medians")
        if offsets is not None:
            require_shape(offsets, (part.channels,), "the medians")
        z = on_grid(0, 2, part.channels, 3, 2).float()
        require_shape(part.head.likelihood(z[:, :0].unsqueeze(1), z), tuple(z.shape), "the likelihood of z")

    @contract
    def test_synthesis_can_be_made_exact(self) -> None:
        """The children named in exact_children can be made exact, and compute all of the synthesis."""
        part = self.make()
        for name in part.exact_children:
            present = isinstance(getattr(part, name, None), torch.nn.Module)
            require(present, "exact_children names no child module", got=name)
        for height, width in ((5, 6), (1, 1), (8, 3)):
            exact = self.exact()
            require_on_grid(exact.synthesis(self._z(exact, 0, height, width), height, width), "a side feature")

    @for_any(height=_sides, width=_sides, seed=seeds)
    def test_exact_features_are_near_those_of_training(self, height: int, width: int, seed: int) -> None:
        """Freezing changes side features by little."""
        exact, lively = self.exact(), self.lively().eval()
        z = self._z(lively, seed, height, width)
        with torch.no_grad():
            wanted = lively.double().synthesis(z, height, width)
            problem = "frozen side features differ from those of training"
            require_close(exact.synthesis(z, height, width), wanted, 0.02, problem)

    @contract
    def test_threads_and_batches_change_no_bit(self) -> None:
        """Any number of threads, and a latent alone or in a batch, give the same side features to the last bit."""
        part = self.exact()
        z = self._z(part, 3, *LARGE, batch=3) * 10
        with torch.inference_mode():
            with threads(1):
                reference = part.synthesis(z, *LARGE)
                problem = "side features depend on what else is in the batch"
                require_same_bits(part.synthesis(z[1:2], *LARGE), reference[1:2], problem, "batch of 1 instead of 3")
            with threads(2):
                problem = "side features depend on the number of threads"
                require_same_bits(part.synthesis(z, *LARGE), reference, problem, "2 threads instead of 1")

    @contract
    def test_frozen_weights_survive_a_round_trip(self) -> None:
        """What freezing stores is all that z and side features depend on."""
        source, target = self.exact(1), self.exact(2)
        transplant(source, target)
        z = self._z(source, 0, 5, 6)
        problem = "a part with another's stored weights computes other side features"
        require_same_bits(target.synthesis(z, 5, 6), source.synthesis(z, 5, 6), problem)
        y = on_grid(1, 1, self.channels, 5, 6).float()
        problem = "a part with another's stored weights computes another z"
        require_same_bits(target.analysis(y), source.analysis(y), problem)

    @contract
    def test_gradients_reach_every_parameter(self) -> None:
        """In training every parameter of the module receives a finite gradient."""
        part = self.lively().train()
        for seed in range(3):
            y = on_grid(seed, 2, self.channels, 9, 10, spread=20).float()
            z = part.analysis(y)
            bits = -part.head.likelihood(z.new_zeros(len(z), 0, *z.shape[1:]), z).log2().sum()
            features = part.synthesis(z, 9, 10)
            (bits + (features - 1).square().sum()).backward()  # type: ignore[no-untyped-call]
        require_gradients(part)
