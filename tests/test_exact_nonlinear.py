"""Nonlinear operations and masked volumes in exact arithmetic: same bits however they are computed."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from plic.core.errors import ExactnessError
from plic.core.exact import GRID, LIMIT, harden
from plic.core.layers import MaskedConv3d, Product, SoftmaxAttention, causal_mask, live_offsets, live_volumes


def on_grid(*shape: int, scale: float = 1.0) -> Tensor:
    return torch.round(torch.randn(*shape, dtype=torch.float64) * scale * GRID) / GRID


def is_on_grid(x: Tensor) -> bool:
    return torch.equal(x * GRID, torch.round(x * GRID)) and float(x.abs().max()) <= LIMIT


def arguments(features: int = 24, queries: int = 40, keys: int = 50, values: int = 12) -> tuple[Tensor, ...]:
    torch.manual_seed(8)
    return on_grid(2, features, queries), on_grid(2, features, keys), on_grid(2, values, keys, scale=4)


def attention(**settings: float) -> Any:
    return harden(SoftmaxAttention(**settings), "attention")


def test_sigmoid_is_close_on_the_grid_and_saturates() -> None:
    x = torch.cat((on_grid(1000, scale=5), torch.tensor([-LIMIT, -9.0, 0.0, 9.0, LIMIT], dtype=torch.float64)))
    exact = harden(nn.Sigmoid(), "sigmoid")(x)
    assert is_on_grid(exact)
    assert torch.allclose(exact, torch.sigmoid(x), atol=1 / GRID, rtol=0)
    assert exact[-5] == 0
    assert exact[-3] == 0.5
    assert exact[-1] == 1


def test_product_is_the_rounded_product() -> None:
    torch.manual_seed(1)
    a, b = on_grid(500, scale=20), on_grid(500, scale=20)
    exact = harden(Product(), "product")(a, b)
    assert is_on_grid(exact)
    assert torch.allclose(exact, a * b, atol=0.5 / GRID, rtol=0)
    assert harden(Product(), "product")(a * 0 + LIMIT, b * 0 - LIMIT)[0] == -LIMIT


@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_close_to_floating_point(masked: bool) -> None:
    query, key, value = arguments()
    visible = torch.rand(40, 50) < 0.4 if masked else None
    layer = SoftmaxAttention(scale=0.3)
    exact = attention(scale=0.3)(query, key, value, visible)
    assert is_on_grid(exact)
    assert torch.allclose(exact, layer.double()(query, key, value, visible), atol=0.01)


def test_attention_formula() -> None:
    query, key, value = arguments()
    visible = torch.rand(40, 50) < 0.4
    scores = (0.3 * query.transpose(1, 2) @ key).masked_fill(~visible, -torch.inf)
    expected = value @ torch.softmax(scores, 2).transpose(1, 2)
    assert torch.allclose(SoftmaxAttention(0.3)(query, key, value, visible), expected)


def test_tables_are_stored_with_the_weights() -> None:
    """Exponentials differ between machines: a decoder must use the encoder's."""
    for layer, inputs in ((nn.Sigmoid(), (on_grid(30),)), (SoftmaxAttention(), arguments())):
        exact = harden(layer, "layer")
        stored = exact.state_dict()
        assert list(stored) == ["table"]
        assert not stored["table"].is_floating_point()
        other = harden(layer, "layer")
        other.load_state_dict({"table": torch.zeros_like(stored["table"])})
        assert not other(*inputs).any()
        assert exact(*inputs).any()


@pytest.mark.parametrize("make", [attention, SoftmaxAttention])
def test_query_that_sees_nothing_gets_zeros(make: Any) -> None:
    query, key, value = arguments()
    visible = torch.ones(40, 50, dtype=torch.bool)
    visible[3] = False
    result = make()(query, key, value, visible)
    assert not result[:, :, 3].any()
    assert bool(result[:, :, 4].any())
    assert not make()(query, key[:, :, :0], value[:, :, :0]).any()


def test_attention_bits_do_not_depend_on_how_it_is_computed() -> None:
    """Among others: with so many keys that values are summed in halves, but only few of them visible."""
    query, key, value = arguments(keys=5000)
    visible = torch.rand(40, 5000) < 0.01
    exact = attention(scale=0.5)
    reference = exact(query, key, value, visible)
    order = torch.randperm(5000)
    assert torch.equal(exact(query, key[:, :, order], value[:, :, order], visible[:, order]), reference)
    order = torch.randperm(24)
    assert torch.equal(exact(query[:, order], key[:, order], value, visible), reference)
    for image, site in product(range(2), (0, 17, 39)):
        seen = visible[site]
        one = (x[image : image + 1] for x in (query[:, :, site : site + 1], key[:, :, seen], value[:, :, seen]))
        assert torch.equal(exact(*one), reference[image : image + 1, :, site : site + 1])
    threads = torch.get_num_threads()
    try:
        for count, pairs in ((1, 5000), (2, 60000)):
            torch.set_num_threads(count)
            exact.pairs_at_once = pairs
            assert torch.equal(exact(query, key, value, visible), reference)
    finally:
        torch.set_num_threads(threads)


def test_attention_sums_are_exact_at_the_extremes() -> None:
    keys = 20000
    query, key = torch.full((1, 192, 1), LIMIT), torch.full((1, 192, keys), LIMIT)
    value = torch.full((1, 1, keys), LIMIT).double()
    value[:, :, ::2] -= 1 / GRID
    result = attention()(query, key, value)
    assert result.item() in (LIMIT, LIMIT - 1 / GRID)


@pytest.mark.parametrize("shape", [(2**30, 1), (1, 2**30)], ids=["features", "keys"])
def test_attention_over_too_much_is_refused(shape: tuple[int, int]) -> None:
    wide = torch.zeros(1, 1, 1).expand(1, *shape)
    with pytest.raises(ExactnessError, match=r"(?s)attention.*at most"):
        attention()(wide[:, :, :1], wide, torch.zeros(1, 1, 1).expand(1, 1, shape[1]))


def test_scale_must_be_positive() -> None:
    with pytest.raises(ExactnessError, match="scale"):
        attention(scale=-1)


@pytest.mark.parametrize("layer", [nn.Softmax(1), nn.Tanh()])
def test_operations_without_exact_counterpart_are_refused(layer: nn.Module) -> None:
    with pytest.raises(ExactnessError, match=type(layer).__name__):
        harden(nn.Sequential(layer), "layers")


def test_masked_volume_at_elements_is_the_convolution() -> None:
    torch.manual_seed(6)
    layer = MaskedConv3d(2, 7, causal_mask(5, 3))
    exact: Any = harden(layer, "masked")
    x = on_grid(2, 2, 6, 8, 9)
    whole = exact(x)
    assert torch.allclose(whole, layer.double()(x), atol=0.01)
    expected = nn.functional.conv3d(x, layer.weight * layer.mask, layer.bias, padding=2)
    assert torch.allclose(layer(x), expected)
    depths, rows, columns = np.unravel_index(np.arange(6 * 8 * 9), (6, 8, 9))
    padded = nn.functional.pad(x, (2,) * 6)
    window = live_volumes(padded, live_offsets(padded, layer.mask), (depths, rows, columns))
    assert torch.equal(exact.at(window), whole.flatten(2))
    assert torch.allclose(layer.at(window), expected.flatten(2))
    assert torch.equal(torch.cat([exact.at(window[:, :, n : n + 1]) for n in range(20)], 2), whole.flatten(2)[..., :20])


def gradients(function: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    leaves = [x.clone().requires_grad_() for x in inputs]
    (function(*leaves) * torch.linspace(-1, 1, function(*inputs).shape[-1])).sum().backward()
    return tuple(leaf.grad for leaf in leaves if leaf.grad is not None)


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (nn.Sigmoid(), (on_grid(30),)),
        (Product(), (on_grid(30), on_grid(30))),
        (SoftmaxAttention(0.3), arguments()),
    ],
    ids=["sigmoid", "product", "attention"],
)
def test_gradients_are_those_of_the_smooth_formula(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    exact = harden(layer, "layer")
    found, expected = gradients(exact, inputs), gradients(layer, inputs)
    assert len(found) == len(inputs)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(found, expected, strict=True))
    assert torch.equal(exact(*(x.clone().requires_grad_() for x in inputs)), exact(*inputs))
