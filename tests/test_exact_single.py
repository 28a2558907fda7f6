"""Sums in single precision: the same bits everywhere, whatever torch has been told of precision."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small import photograph, small_frozen
from torch import Tensor, nn

import plic
from plic.core.errors import RecipeError
from plic.core.exact import GRID, LIMIT, ExactSums, harden, single
from plic.core.layers import MaskedConv2d, causal_mask, live_windows, with_margin
from plic.core.recipe import load_recipe, recipe_from_text

SIZES = st.tuples(st.integers(1, 5), st.integers(1, 2 * single.TERMS + 3), st.integers(1, 3), st.integers(1, 7))


def matrix(outputs: int, inputs: int, seed: int) -> Tensor:
    """Rows of very different magnitude, some of few weights."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(outputs, inputs, dtype=torch.float64, generator=generator)
    rows *= torch.rand(outputs, inputs, generator=generator) < torch.rand(outputs, 1, generator=generator)
    return rows * torch.exp2(torch.randint(-20, 9, (outputs, 1), generator=generator).double())


def columns_of(batch: int, inputs: int, count: int, seed: int) -> Tensor:
    """Columns of very different magnitude, on the grid."""
    generator = torch.Generator().manual_seed(seed + 1)
    columns = torch.randn(batch, inputs, count, dtype=torch.float64, generator=generator)
    columns *= torch.exp2(torch.randint(-14, 8, (batch, 1, count), generator=generator).double())
    return torch.round(columns * GRID) / GRID


def in_integers(integers: Tensor, exponents: Tensor, bias: Tensor, column: Tensor) -> np.ndarray:
    """The definition, for one column, with Python's own integers."""
    largest = max(float(column.abs().max()), 1 / GRID)
    unit = 2.0 ** (np.floor(np.log2(largest)) + 1 - single.COLUMN_BITS)
    rounded = [int(np.round(value / unit)) for value in column.tolist()]
    results = []
    for row, exponent, offset in zip(integers.tolist(), exponents.tolist(), bias.tolist(), strict=True):
        exact = sum(int(a) * b for a, b in zip(row, rounded, strict=True))
        value = np.round(exact * unit * 2.0**-exponent * GRID) / GRID + offset
        results.append(min(max(value, -LIMIT), LIMIT))
    return np.array(results)


@settings(max_examples=60, deadline=None)
@given(size=SIZES, seed=st.integers(0, 1000))
def test_products_are_what_integers_give(size: tuple[int, int, int, int], seed: int) -> None:
    outputs, inputs, batch, count = size
    integers, exponents = single.integer_rows(matrix(outputs, inputs, seed))
    bias = torch.arange(outputs, dtype=torch.float64) / 8 - 1
    columns = columns_of(batch, inputs, count, seed)
    result = single.product_in_single(integers.float(), exponents, bias, columns)
    for image in range(batch):
        for site in range(count):
            expected = in_integers(integers, exponents, bias, columns[image, :, site])
            assert np.array_equal(result[image, :, site].numpy(), expected)


@settings(max_examples=60, deadline=None)
@given(size=SIZES, seed=st.integers(0, 1000))
def test_rows_keep_their_promise_and_use_the_bits(size: tuple[int, int, int, int], seed: int) -> None:
    rows = matrix(size[0], size[1], seed)
    integers, exponents = single.integer_rows(rows)
    sums = torch.stack([some.int().abs().sum(1) for some in torch.split(integers, single.TERMS, 1)]).amax(0)
    assert int(sums.max()) <= single.ROW_SUM
    live = rows.abs().amax(1) > 0
    assert bool((sums[live] > single.ROW_SUM // 4).all())
    error = (integers.double() * torch.exp2(-exponents.double())[:, None] - rows).abs()
    assert bool((error <= torch.exp2(-exponents.double() - 1)[:, None]).all())


@pytest.mark.parametrize("scale", [0.0, 2.0**-200, 2.0**-70, 2.0**60, 2.0**100])
def test_weights_and_values_of_any_magnitude(scale: float) -> None:
    integers, exponents = single.integer_rows(torch.full((2, 3), scale, dtype=torch.float64))
    for value in (0.0, 1 / GRID, LIMIT, 2.0**30):
        columns = torch.full((1, 3, 1), value, dtype=torch.float64)
        result = single.product_in_single(integers.float(), exponents, torch.zeros(2), columns)
        expected = min(3 * scale * value, LIMIT)
        assert result.flatten().tolist() == pytest.approx([expected] * 2, rel=0.01, abs=1 / GRID)


def network() -> nn.Module:
    torch.manual_seed(3)
    layers = nn.Conv2d(24, 40, 1), nn.LeakyReLU(0.2), MaskedConv2d(40, 16, causal_mask(5)), nn.Conv2d(16, 8, 3)
    return nn.Sequential(*layers)


@pytest.fixture
def x() -> Tensor:
    torch.manual_seed(4)
    return torch.round(torch.randn(3, 24, 17, 19, dtype=torch.float64) * 8 * GRID) / GRID


def test_close_to_floating_point_and_on_the_grid(x: Tensor) -> None:
    net = network()
    exact = harden(net, "net", ExactSums.SINGLE)(x)
    assert torch.equal(exact * GRID, torch.round(exact * GRID))
    expected = net.double()(x).detach()
    assert float((exact - expected).std() / expected.std()) < 0.01
    assert not torch.equal(exact, harden(net, "net")(x))


@pytest.fixture
def told() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.usefixtures("told")
def test_bits_do_not_depend_on_threads_batch_layout_or_what_torch_was_told(
    x: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = harden(network(), "net", ExactSums.SINGLE)
    reference, threads = exact(x), torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            assert torch.equal(exact(x), reference)
            assert torch.equal(torch.cat([exact(one[None]) for one in x]), reference)
            assert torch.equal(exact(x.contiguous(memory_format=torch.channels_last)), reference)
    finally:
        torch.set_num_threads(threads)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not single.trusted(x.device)
        assert torch.equal(exact(x), reference)
    for precision in ("high", "medium"):
        torch.set_float32_matmul_precision(precision)
        assert torch.equal(exact(x), reference)
    monkeypatch.setattr(single, "_probe", lambda *_: False)
    assert torch.equal(exact(x), reference)


def test_shorter_products_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def in_bfloat16(weight: Tensor, columns: Tensor) -> Tensor:
        shorter = weight.dtype if weight.dtype is torch.float64 else torch.bfloat16
        return (weight.to(shorter) @ columns.to(shorter)).to(weight.dtype)

    assert single._probe(torch.device("cpu"), ("as it is",))
    monkeypatch.setattr(single, "multiply", in_bfloat16)
    assert not single._probe(torch.device("cpu"), ("shorter",))


def test_bits_do_not_depend_on_the_order_of_channels() -> None:
    torch.manual_seed(5)
    layer, permuted, order = nn.Conv2d(64, 8, 1), nn.Conv2d(64, 8, 1), torch.randperm(64)
    permuted.load_state_dict({"weight": layer.weight[:, order], "bias": layer.bias})
    x = torch.round(torch.randn(1, 64, 9, 9, dtype=torch.float64) * GRID) / GRID
    one, other = (harden(net, "net", ExactSums.SINGLE) for net in (layer, permuted))
    assert torch.equal(one(x), other(x[:, order]))


@pytest.mark.parametrize("sums", ExactSums)
def test_masked_convolution_at_sites_and_at_every_second(sums: ExactSums) -> None:
    torch.manual_seed(6)
    layer = MaskedConv2d(5, 7, causal_mask(5))
    exact = harden(layer, "masked", sums)
    x = torch.round(torch.randn(2, 5, 9, 8, dtype=torch.float64) * 8 * GRID) / GRID
    whole = exact(x)
    rows, columns = np.divmod(np.arange(72), 8)
    at_sites = exact.at(live_windows(with_margin(x, 2)[0], layer.mask, rows, columns))  # type: ignore[operator]
    assert torch.equal(at_sites, whole.flatten(2))
    for row in (0, 1):
        for column in (0, 1):
            some = exact.every_second(x, row, column)  # type: ignore[operator]
            assert torch.equal(some, whole[:, :, row::2, column::2])
            leaf = x.clone().requires_grad_()
            again = exact.every_second(leaf, row, column)  # type: ignore[operator]
            assert torch.equal(again.detach(), some)
            (slope,) = torch.autograd.grad(again.sum(), leaf)
            smooth = x.clone().requires_grad_()
            (expected,) = torch.autograd.grad(layer.double().every_second(smooth, row, column).sum(), smooth)
            assert torch.allclose(slope, expected, atol=0.01)


# --- the recipe -----------------------------------------------------------------------------------------------------


def test_the_recipe_says_so(tmp_path: Path) -> None:
    double, asked = load_recipe("he2021"), load_recipe("he2021", {"exact_sums": "single"})
    assert double.exact_sums is ExactSums.DOUBLE
    assert asked.exact_sums is ExactSums.SINGLE
    assert double.fingerprint() != asked.fingerprint()
    assert "exact_sums" not in double.to_yaml()
    assert recipe_from_text(asked.to_yaml(), "here").exact_sums is ExactSums.SINGLE
    path = tmp_path / "mine.yaml"
    path.write_text("plic: 1\nname: mine\nextends: he2021\nexact_sums: singel\n")
    with pytest.raises(RecipeError, match=r"(?s)mine.yaml:4: no numbers that sums are held in.*single"):
        load_recipe(path)


def test_weights_files_keep_it_and_streams_decode(tmp_path: Path) -> None:
    picture = photograph(70, 50)
    codec = small_frozen("house", exact_sums="single")
    assert any(exponent.dim() for name, exponent in codec.networks.stored().items() if name.endswith(".exponent"))
    path = tmp_path / "weights.safetensors"
    codec.save(path)
    again = plic.load(path)
    data = again.encode(picture)
    assert data == codec.encode(picture)
    assert again.fingerprint == codec.fingerprint
    assert codec.decode(data) == again.decode(data)
