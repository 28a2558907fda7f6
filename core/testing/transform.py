"""Contract of transforms."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import ClassVar, cast

import torch
from hypothesis import strategies as st
from torch import Tensor

from .. import tiling
from ..networks import STORED
from ..slots import Transform
from .broken import require
from .compare import (
    require_close,
    require_finite,
    require_gradients,
    require_same_bits,
    require_shape,
    transplant,
)
from .contract import PartContract, contract, for_any
from .data import enlivened, on_grid, pictures, seeds

ROUNDING = 1e-4
"""Relative error of float32 sums in another order."""
HALF_PRECISION = 0.05
"""Relative error that rounding the weights to half precision may make."""


def _sites(self: TransformContract) -> st.SearchStrategy[int]:
    return st.integers(1, self.largest_side)


class TransformContract(PartContract[Transform]):
    """What every transform promises; see `plic.core.slots.Transform`.

    Attributes:
        largest_side: greatest height and width that is tried, in latent sites.
    """

    plic_slot = "transform"
    examples = 6
    largest_side: ClassVar[int] = 4

    def lively(self, seed: int = 0) -> Transform:
        """A transform with weights that let everything it sees matter."""
        return self.kept(f"lively {seed}", lambda: cast(Transform, enlivened(self.make(seed))))

    @contract
    def test_sizes_are_declared(self) -> None:
        """Stride and latent channels are whole numbers from 1, the margin is None or a number of sites."""
        part = self.make()
        sizes = (part.stride, part.latent_channels)
        whole = all(isinstance(size, int) and size >= 1 for size in sizes)
        require(whole, "a size is no whole number from 1", got=f"stride, latent_channels = {sizes}")
        margin = part.margin
        require(margin is None or (isinstance(margin, int) and margin >= 0), "the margin is no distance", got=margin)

    @for_any(height=_sites, width=_sites, batch=st.integers(1, 2), seed=seeds)
    def test_shapes(self, height: int, width: int, batch: int, seed: int) -> None:
        """A picture whose sides are any multiples of the stride has one latent site per stride in each direction."""
        part = self.lively().eval()
        size = (height * part.stride, width * part.stride)
        with torch.no_grad():
            y = part.analysis(pictures(seed, batch, *size))
            at = f"a picture of {size[0]}x{size[1]} pixels, stride {part.stride}"
            wanted = (batch, part.latent_channels, height, width)
            require(
                tuple(y.shape) == wanted, "the latent has the wrong shape", got=tuple(y.shape), expected=wanted, at=at
            )
            x_hat = part.synthesis(on_grid(seed, *wanted, spread=9).float())
            wanted = (batch, 3, *size)
            found = tuple(x_hat.shape)
            require(found == wanted, "the reconstruction has the wrong shape", got=found, expected=wanted, at=at)

    @for_any(level=st.sampled_from([0.0, 0.5, 1.0]), spread=st.sampled_from([0.0, 1.0, 1e3]), seed=seeds)
    def test_outputs_are_finite(self, level: float, spread: float, seed: int) -> None:
        """Latents of pictures, flat ones too, and reconstructions of latents, large ones too, are finite."""
        part = self.lively().eval()
        side = 2 * part.stride
        with torch.no_grad():
            flat = torch.full((1, 3, side, side), level)
            require_finite(part.analysis(flat), "the latent of a flat picture")
            require_finite(part.analysis(pictures(seed, 1, side, side)), "the latent of a picture")
            y_hat = on_grid(seed, 1, part.latent_channels, 2, 2, spread=spread).float()
            require_finite(part.synthesis(y_hat), "the reconstruction")

    @for_any(height=_sites, width=_sites, seed=seeds)
    def test_the_same_each_time(self, height: int, width: int, seed: int) -> None:
        """Coding twice gives the same, and an image's result does not depend on what else is in the batch."""
        part = self.lively().eval()
        x = pictures(seed, 2, height * part.stride, width * part.stride)
        y_hat = on_grid(seed, 2, part.latent_channels, height, width).float()
        with torch.no_grad():
            for name, function, value in (("analysis", part.analysis, x), ("synthesis", part.synthesis, y_hat)):
                first = function(value)
                require_same_bits(function(value), first, f"{name} changes from call to call")
                require_close(function(value[1:]), first[1:], ROUNDING, f"{name} depends on the rest of the batch")

    @contract
    def test_margin_is_honest(self) -> None:
        """What is further away than the margin, in latent sites, does not matter to a latent or a pixel."""
        part = self.lively().eval()
        if part.margin is None:
            return
        y, x = self._strips(part)
        with torch.no_grad():
            for name, function, value, inside, outside in (
                ("analysis", part.analysis, x, part.stride, 1),
                ("synthesis", part.synthesis, y, 1, part.stride),
            ):
                for axis in (2, 3):
                    strip = value if axis == 3 else value.transpose(2, 3)
                    reference = function(strip)
                    far = strip.shape[axis] - inside
                    for end, changed, kept in (("first", (far, inside), (0, outside)), ("last", (0, inside), None)):
                        other = strip.clone()
                        other.narrow(axis, *changed).add_(1).mul_(-3)
                        place = kept or (reference.shape[axis] - outside, outside)
                        require_close(
                            function(other).narrow(axis, *place),
                            reference.narrow(axis, *place),
                            ROUNDING / 10,
                            f"{name} looks further than the margin of {part.margin} sites",
                            f"the {end} site of {part.margin + 2}, along axis {axis}",
                        )

    def _strips(self, part: Transform) -> tuple[Tensor, Tensor]:
        """A latent and a picture, one site high, whose first and last site are just out of each other's sight."""
        length = (part.margin or 0) + 2
        x = pictures(0, 1, part.stride, length * part.stride)
        return on_grid(0, 1, part.latent_channels, 1, length).float(), x

    @contract
    def test_pieces_give_what_the_whole_gives(self) -> None:
        """If a margin is declared, transforming piece by piece gives what the whole gives."""
        part = self.lively().eval()
        if part.margin is None:
            return
        tile = max(2, part.margin // 2)
        height, width = 2, 2 * part.margin + 2 * tile
        with torch.no_grad():
            x = pictures(0, 1, height * part.stride, width * part.stride)
            problem = "pieces of an analysis differ from the whole"
            require_close(tiling.analysis(part, x, tile), part.analysis(x), ROUNDING, problem, f"tile {tile}")
            y = on_grid(0, 1, part.latent_channels, height, width).float()
            problem = "pieces of a synthesis differ from the whole"
            require_close(tiling.synthesis(part, y, tile), part.synthesis(y), ROUNDING, problem, f"tile {tile}")

    @contract
    def test_gradients_reach_every_parameter(self) -> None:
        """In training every parameter of the module receives a finite gradient."""
        part = self.lively().train()
        if next(part.parameters(), None) is None:
            return
        for seed in range(2):
            y = part.analysis(pictures(seed, 2, 3 * part.stride, 3 * part.stride))
            x_hat = part.synthesis(y + on_grid(seed, *y.shape).float())
            loss = (y - 1).square().mean() + (x_hat - 1).square().mean()
            loss.backward()  # type: ignore[no-untyped-call]
        require_gradients(part)

    @contract
    def test_gradients_go_back_to_the_latent(self) -> None:
        """A reconstruction has a finite gradient with respect to its latent, which training and refining follow."""
        part = self.lively().train()
        y = on_grid(0, 1, part.latent_channels, 3, 3).float().requires_grad_()
        x_hat = part.synthesis(y)
        require(x_hat.requires_grad, "the reconstruction has no gradient", expected="one with respect to the latent")
        (x_hat - 1).square().mean().backward()  # type: ignore[no-untyped-call]
        gradient = torch.zeros_like(y) if y.grad is None else y.grad
        require_finite(gradient, "the gradient with respect to the latent")
        require(bool(gradient.any()), "the gradient with respect to the latent is zero")

    @contract
    def test_weights_survive_half_precision(self) -> None:
        """Weights fit half precision, in which they are stored, and what comes out changes by little."""
        part = self.lively().eval()
        rounded = copy.deepcopy(part)
        for name, parameter in rounded.named_parameters():
            parameter.data = parameter.data.to(STORED).float()
            require_finite(parameter.data, f"{name} in half precision")
        self._require_alike(rounded, part, lambda got, wanted, what: _require_near(got, wanted, what))

    @contract
    def test_weights_survive_a_round_trip(self) -> None:
        """What is stored is all that latents and reconstructions depend on."""
        source, target = self.lively(1).eval(), self.lively(2).eval()
        transplant(source, target)
        problem = "with another's stored weights the {} differs"
        self._require_alike(target, source, lambda a, b, what: require_same_bits(a, b, problem.format(what)))

    def _require_alike(self, part: Transform, other: Transform, compare: Callable[[Tensor, Tensor, str], None]) -> None:
        x = pictures(0, 1, 2 * part.stride, 2 * part.stride)
        y = on_grid(0, 1, part.latent_channels, 2, 2).float()
        with torch.no_grad():
            compare(part.analysis(x), other.analysis(x), "latent")
            compare(part.synthesis(y), other.synthesis(y), "reconstruction")

    @contract
    def test_start_from_pictures(self) -> None:
        """A start from training pictures, where there is one, leaves a working transform."""
        part = self.make()
        side = 4 * part.stride
        part.start_from(iter([pictures(seed, 1, side, side)[0] for seed in range(24)]))
        with torch.no_grad():
            y = part.analysis(pictures(0, 1, side, side))
            require_shape(y, (1, part.latent_channels, 4, 4), "the latent")
            require_finite(y, "the latent")
            require_finite(part.synthesis(y), "the reconstruction")


def _require_near(got: Tensor, wanted: Tensor, what: str) -> None:
    __tracebackhide__ = True
    error = float((got - wanted).abs().max()) / max(1e-9, float(wanted.abs().max()))
    expected = f"relative errors up to {HALF_PRECISION}"
    require(error <= HALF_PRECISION, f"half-precision weights change the {what}", got=error, expected=expected)
