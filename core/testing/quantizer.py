"""Contract of quantizers."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..slots import Grid, Quantizer
from .broken import require
from .compare import require_close
from .contract import PartContract, contract, for_any
from .data import noise, on_grid, seeds, sides

ROUNDING = 1e-5
"""Error of float32 for latents of the size that is tried."""
ROUNDS = {"straight-through": ("rate", "synthesis"), "mixed": ("synthesis",)}
"""By surrogate, which views are rounded."""
ADDS_NOISE = {"noise": ("rate", "synthesis"), "mixed": ("rate",)}
"""By surrogate, which views are the latent plus noise."""


class QuantizerContract(PartContract[Quantizer]):
    """What every quantizer promises; see `plic.core.slots.Quantizer`."""

    plic_slot = "quantizer"

    def _views(self, y: Tensor, jitter: Tensor, centre: Tensor | None) -> dict[str, Tensor]:
        part = self.make()
        return {"rate": part.for_rate(y, jitter, centre), "synthesis": part.for_synthesis(y, jitter, centre)}

    @contract
    def test_grid_and_surrogate_are_declared(self) -> None:
        """It says where quantised values lie, and what training uses instead of rounding."""
        part = self.make()
        require(isinstance(part.grid, Grid), "the grid is none of Grid", got=part.grid, expected=list(Grid))
        require(isinstance(part.surrogate, str), "the surrogate has no name", got=part.surrogate)

    @for_any(height=sides(4), width=sides(4), centred=st.booleans(), seed=seeds)
    def test_views_stay_within_half_a_step(self, height: int, width: int, centred: bool, seed: int) -> None:
        """What rate and synthesis see in training is at most half a step away from the latent."""
        y, jitter, centre = _drawn(seed, height, width, centred)
        for name, view in self._views(y, jitter, centre).items():
            require(view.shape == y.shape, f"the view of the {name} has another shape", got=tuple(view.shape))
            away = float((view - y).abs().max())
            require(away <= 0.5 + ROUNDING, f"the {name} sees a value too far away", got=away, expected="at most 1/2")

    @for_any(height=sides(4), width=sides(4), centred=st.booleans(), seed=seeds)
    def test_views_are_those_of_the_surrogate(self, height: int, width: int, centred: bool, seed: int) -> None:
        """Views that are rounded lie on the grid around the centre; views with noise are the latent plus the noise."""
        y, jitter, centre = _drawn(seed, height, width, centred)
        surrogate, views = self.make().surrogate, self._views(y, jitter, centre)
        for name in ROUNDS.get(surrogate, ()):
            steps = views[name] - (0 if centre is None else centre)
            problem = f"the {name} sees values off the grid"
            require_close(steps, torch.round(steps), ROUNDING, problem, f"surrogate {surrogate}")
        for name in ADDS_NOISE.get(surrogate, ()):
            problem = f"the {name} does not see the latent plus the noise"
            require_close(views[name], y + jitter, ROUNDING, problem, f"surrogate {surrogate}")

    @for_any(centred=st.booleans(), seed=seeds)
    def test_gradients_pass_unchanged(self, centred: bool, seed: int) -> None:
        """The gradient of both views with respect to the latent is the identity."""
        y, jitter, centre = _drawn(seed, 3, 4, centred)
        weight = on_grid(seed + 3, *y.shape).float()
        for name in ("rate", "synthesis"):
            leaf = y.clone().requires_grad_()
            (self._views(leaf, jitter, centre)[name] * weight).sum().backward()  # type: ignore[no-untyped-call]
            gradient = torch.zeros_like(y) if leaf.grad is None else leaf.grad
            require_close(gradient, weight, ROUNDING, f"the gradient through the view of the {name} is changed")


def _drawn(seed: int, height: int, width: int, centred: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    """A latent, noise and a centre."""
    shape = (2, 3, height, width)
    centre = on_grid(seed + 2, *shape).float() if centred else None
    return on_grid(seed, *shape, spread=9).float(), noise(seed + 1, *shape), centre
