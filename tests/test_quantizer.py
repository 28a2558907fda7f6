"""Stand-ins for rounding: what the rate and the synthesis see in training, and which gradient passes."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from plic.core.slots import Surrogate
from plic.plugins.quantizer.integer import IntegerGrid

SURROGATES = get_args(Surrogate)


@pytest.fixture
def y() -> torch.Tensor:
    torch.manual_seed(1)
    return (torch.randn(4, 5, 6) * 10).requires_grad_()


@pytest.mark.parametrize("surrogate", SURROGATES)
@pytest.mark.parametrize("centre", [None, torch.tensor(0.3)])
def test_every_view_is_near_and_has_the_gradient_of_the_identity(
    surrogate: Surrogate, centre: torch.Tensor | None, y: torch.Tensor
) -> None:
    quantizer, noise = IntegerGrid(surrogate=surrogate), torch.rand(4, 5, 6) - 0.5
    for view in (quantizer.for_rate(y, noise, centre), quantizer.for_synthesis(y, noise, centre)):
        assert float((view - y).detach().abs().max()) <= 0.5 + 1e-5
        (gradient,) = torch.autograd.grad(view.sum(), y)
        assert bool((gradient == 1).all())


@pytest.mark.parametrize("surrogate", ["noise", "straight-through", "universal"])
def test_rate_and_synthesis_see_the_same(surrogate: Surrogate, y: torch.Tensor) -> None:
    quantizer, noise = IntegerGrid(surrogate=surrogate), torch.rand(4, 5, 6) - 0.5
    assert torch.equal(quantizer.for_rate(y, noise, None), quantizer.for_synthesis(y, noise, None))


def test_universal_values_lie_on_a_grid_that_is_shifted_at_random(y: torch.Tensor) -> None:
    quantizer, noise = IntegerGrid(surrogate="universal"), torch.rand(4, 5, 6) - 0.5
    offset = noise * 2.0 ** (2 * noise[0, 0, 0])
    seen = quantizer.for_rate(y, noise, None) + offset
    torch.testing.assert_close(seen, torch.round(seen), rtol=0, atol=1e-5)
    assert not torch.equal(seen.round(), y.round())
