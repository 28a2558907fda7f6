"""Integer distributions: exact, complete, and close to the real functions."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from plic.core.errors import DamagedStream, PlicError
from plic.core.probability import (
    GAUSSIAN,
    LAPLACIAN,
    LOGISTIC,
    SCALE_LEVELS,
    SCALE_RECIPROCALS,
    SCALE_THRESHOLDS,
    Family,
    IntegerDistribution,
    MixtureDistribution,
    Support,
    TableDistribution,
    best_support,
    combine_weights,
    escape,
    locations,
    restore,
    scale_levels,
    weights_from_logits,
)
from plic.core.probability.tables import EXPONENTIALS

INT32 = np.iinfo(np.int32)
FAMILIES = (GAUSSIAN, LAPLACIAN, LOGISTIC)
REAL = {"gaussian": stats.norm, "laplacian": stats.laplace, "logistic": stats.logistic}
quick = settings(max_examples=60, deadline=None)


def random_mixture(seed: int, components: int, n: int, support: Support, near: bool = True) -> MixtureDistribution:
    """A mixture near the window, or with parameters from anywhere."""
    rng = np.random.default_rng(seed)
    shape = (components, n)
    if near:
        middle = (support.low + support.high) // 2
        location = np.clip(middle * 4096 + rng.integers(-20000, 20000, shape), INT32.min, INT32.max)
    else:
        location = rng.integers(INT32.min, INT32.max, shape, endpoint=True)
    scale = rng.integers(0, SCALE_LEVELS, shape).astype(np.int16)
    weight = weights_from_logits(np.rint(rng.normal(0, 4, shape) * 4096) / 4096)
    families = tuple(FAMILIES[i] for i in rng.integers(0, 3, components))
    return MixtureDistribution(location.astype(np.int32), scale, weight, families, support)


def random_rows(seed: int, n: int) -> TableDistribution:
    rng = np.random.default_rng(seed)
    count, columns = 4, 12
    rows = np.sort(rng.integers(0, 1 << 30, (count, columns + 1)), axis=1)
    rows[:, 0] = 0
    length = rng.integers(2, columns + 1, count).astype(np.int32)
    rows[np.arange(count), length] = 1 << 30
    offset = rng.integers(-9, 9, count).astype(np.int32)
    return TableDistribution(rows, offset, length, rng.integers(0, count, n))


@st.composite
def supports(draw: st.DrawFn) -> Support:
    low = draw(st.one_of(st.integers(-40, 40), st.integers(INT32.min, INT32.max - 300)))
    width = draw(st.integers(1, 300))
    return Support(low, low + width, draw(st.booleans()))


@st.composite
def mixtures(draw: st.DrawFn) -> MixtureDistribution:
    seed, components, n = draw(st.integers(0, 1 << 30)), draw(st.integers(1, 9)), draw(st.integers(1, 20))
    return random_mixture(seed, components, n, draw(supports()), near=draw(st.booleans()))


def reference_cumulative(d: MixtureDistribution, i: int, symbol: int, precision: int) -> int:
    """The definition, in Python's unbounded integers."""
    low, count = d.support.low, len(d.support)
    mixed = 0
    for k, family in enumerate(d.families):
        u = (symbol * 4096 - 2048 - int(d.location[k, i])) * int(SCALE_RECIPROCALS[d.scale[k, i]])
        index, fraction = (u >> 26) + 1536, u & ((1 << 26) - 1)
        if index < 0 or index >= 3072:
            value = 0 if index < 0 else 1 << 30
        else:
            left, right = int(family.table[index]), int(family.table[index + 1])
            value = left + ((right - left) * fraction >> 26)
        mixed += int(d.weight[k, i]) * value
    mixed = 0 if symbol == low else 1 << 46 if symbol == low + count else mixed
    return ((mixed >> 14) * ((1 << precision) - count) >> 32) + symbol - low


# ---- tables ------------------------------------------------------------------------------------------------------


def test_committed_tables_are_what_generate_derives() -> None:
    pytest.importorskip("mpmath", reason="the generator needs mpmath")
    from plic.core.probability import generate

    derived = generate.derive()
    for family in FAMILIES:
        np.testing.assert_array_equal(derived[family.name], family.table)
    np.testing.assert_array_equal(derived["scale_reciprocals"], SCALE_RECIPROCALS)
    np.testing.assert_array_equal(derived["scale_thresholds"], SCALE_THRESHOLDS)
    np.testing.assert_array_equal(derived["logits"], EXPONENTIALS)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_family_tables(family: Family) -> None:
    u = np.arange(-1536, 1537) / 64
    assert np.max(np.abs(family.table / 2**30 - REAL[family.name].cdf(u))) < 1e-9
    np.testing.assert_array_equal(family.table + family.table[::-1], 1 << 30)
    assert (np.diff(family.table) >= 0).all()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
@pytest.mark.parametrize("level", [64, 150, 224, 300])
def test_probabilities_against_scipy(family: Family, level: int) -> None:
    """Between nodes the CDF is linear: at most h^2 / 8 max|F''| = 1.6e-5 off, and the rate is unharmed."""
    n, sigma = 2001, 2.0 ** (level / 32 - 5)
    location = np.linspace(-2, 2, n)
    support = Support(-400, 400)
    d = one_component(location, level, family, support)
    symbols = np.rint(location + sigma * np.linspace(-4, 4, n)).astype(np.int32)
    mass = 2.0 ** -d.bits(symbols)
    real = REAL[family.name]
    on_grid = d.location[0] / 4096
    expected = real.cdf((symbols + 0.5 - on_grid) / sigma) - real.cdf((symbols - 0.5 - on_grid) / sigma)
    assert np.max(np.abs(mass - expected)) < 4e-5


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
@pytest.mark.parametrize("level", [120, 160, 224])
def test_interpolation_costs_no_rate(family: Family, level: int) -> None:
    sigma = 2.0 ** (level / 32 - 5)
    symbols = np.arange(-200, 201, dtype=np.int32)
    d = one_component(np.full(401, 0.3), level, family, Support(-200, 200))
    real = REAL[family.name]
    at = d.location[0] / 4096
    p = real.cdf((symbols + 0.5 - at) / sigma) - real.cdf((symbols - 0.5 - at) / sigma)
    inside = p > 0
    entropy = -np.sum(p[inside] * np.log2(p[inside]))
    assert abs(np.sum(p * d.bits(symbols)) / entropy - 1) < 2e-4


def one_component(location: NDArray[np.float64], level: int, family: Family, support: Support) -> MixtureDistribution:
    n = len(location)
    scale, weight = np.full((1, n), level, dtype=np.int16), np.full((1, n), 1 << 16, dtype=np.int32)
    return MixtureDistribution(locations(location[None]), scale, weight, (family,), support)


def test_scale_levels_are_the_thresholds_ranks() -> None:
    grid = np.concatenate([np.arange(0, 40000), np.random.default_rng(0).integers(0, 1 << 23, 100000)])
    grid = np.concatenate([grid, SCALE_THRESHOLDS, SCALE_THRESHOLDS - 1, SCALE_THRESHOLDS + 1])
    expected = np.searchsorted(SCALE_THRESHOLDS, grid, side="right")
    np.testing.assert_array_equal(scale_levels(grid / 4096), expected)
    assert scale_levels(np.array([-5.0, np.nan, np.inf, 0.11])).tolist()[:3] == [0, 0, SCALE_LEVELS - 1]
    assert (scale_levels(np.array([0.0, -1.0]), floor=1.0) == 160).all()
    sigma = 2.0 ** (np.arange(SCALE_LEVELS) / 32 - 5)
    np.testing.assert_array_equal(scale_levels(sigma), np.arange(SCALE_LEVELS))


def test_family_refuses_what_is_no_cdf() -> None:
    table = GAUSSIAN.table.copy()
    falling = table.copy()
    falling[1500] = falling[1501] + 1
    wrong: list[NDArray[Any]] = [table[:-1], table.astype(np.int64), table - 1, falling]
    for bad in wrong:
        with pytest.raises(PlicError, match="not valid"):
            Family("bad", bad)


def test_third_party_family() -> None:
    table = np.rint(stats.t(3).cdf(np.arange(-1536, 1537) / 64) * 2**30).astype(np.int32)
    table[0], table[-1] = 0, 1 << 30
    d = one_component(np.zeros(9), 200, Family("student", table), Support(-60, 60))
    assert (d.table(24).cdf[:, -1] == 1 << 24).all()


# ---- the views ---------------------------------------------------------------------------------------------------


@quick
@given(mixtures(), st.sampled_from([12, 16, 24, 30]), st.integers(0, 1 << 30))
def test_mixture_views_are_the_definition(d: MixtureDistribution, precision: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    symbols = rng.integers(d.support.low, d.support.high, len(d), endpoint=True)
    symbols[0] = d.support.low if seed % 2 else d.support.high
    start, frequency = d.intervals(symbols.astype(np.int32), precision)
    for i, s in enumerate(symbols.tolist()):
        assert start[i] == reference_cumulative(d, i, s, precision)
        assert start[i] + frequency[i] == reference_cumulative(d, i, s + 1, precision)
    check_views(d, symbols.astype(np.int32), precision)


@quick
@given(st.integers(0, 1 << 30), st.integers(1, 20), st.sampled_from([8, 16, 24, 30]))
def test_table_distribution_views(seed: int, n: int, precision: int) -> None:
    d = random_rows(seed, n)
    low, high = d.edges()
    check_views(d, np.random.default_rng(seed).integers(low, high, endpoint=True).astype(np.int32), precision)


def check_views(d: IntegerDistribution, symbols: NDArray[np.int32], precision: int) -> None:
    """Rows rise from 0 to 2^precision; the lazy view, the defaults and ``take`` give the same integers."""
    table = d.table(precision)
    low, high = d.edges()
    np.testing.assert_array_equal(table.offset, low)
    np.testing.assert_array_equal(table.length, high.astype(np.int64) - low + 1)
    for row, length in zip(table.cdf, table.length, strict=True):
        assert row[0] == 0
        assert (row[length:] == 1 << precision).all()
        assert (np.diff(row[: length + 1]) > 0).all()
    views = d.intervals(symbols, precision)
    default = IntegerDistribution.intervals(d, symbols, precision)
    np.testing.assert_array_equal(views, default)
    order = np.random.default_rng(0).permutation(len(d))
    np.testing.assert_array_equal(d.take(order).intervals(symbols[order], precision), np.array(views)[:, order])
    assert len(d.take(slice(1, 3))) == min(2, max(0, len(d) - 1))
    bits = d.bits(symbols)
    assert bits.shape == (len(d),)
    assert (bits >= 0).all()
    assert (bits <= 30).all()


def test_mixture_refuses_inconsistent_parameters() -> None:
    location, scale = np.zeros((2, 3), np.int32), np.zeros((2, 3), np.int16)
    weight, families, support = np.full((2, 3), 1 << 15, np.int32), (GAUSSIAN, LOGISTIC), Support(-2, 2)
    MixtureDistribution(location, scale, weight, families, support)
    with pytest.raises(PlicError, match="scale level"):
        MixtureDistribution(location, scale + np.int16(SCALE_LEVELS), weight, families, support)
    with pytest.raises(PlicError, match="do not sum"):
        MixtureDistribution(location, scale, weight + 1, families, support)
    with pytest.raises(PlicError, match="shape"):
        MixtureDistribution(location, scale[:1], weight, families, support)
    with pytest.raises(PlicError, match="does not fit"):
        MixtureDistribution(np.full((2, 3), 1 << 40), scale, weight, families, support)
    with pytest.raises(PlicError, match="outside the window"):
        MixtureDistribution(location, scale, weight, families, support).intervals(np.array([0, 3, 0]), 24)
    with pytest.raises(PlicError, match="precision"):
        MixtureDistribution(location, scale, weight, families, Support(0, 5)).table(2)


def test_table_distribution_refuses_what_is_no_cdf() -> None:
    rows = np.array([[0, 1 << 29, 1 << 30]])
    TableDistribution(rows, [0], [2], [0, 0])
    for bad in (rows + 1, rows[:, ::-1].copy()):
        with pytest.raises(PlicError, match="no CDF"):
            TableDistribution(bad, [0], [2], [0])
    with pytest.raises(PlicError, match="not there"):
        TableDistribution(rows, [0], [2], [1])
    with pytest.raises(PlicError, match="too few"):
        TableDistribution(rows, [0], [3], [0])


def test_importing_needs_no_numba() -> None:
    code = "import sys, plic.core.probability, plic.core.slots.coder; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- freezing ----------------------------------------------------------------------------------------------------


@quick
@given(st.integers(0, 1 << 30), st.integers(1, 40), st.floats(0, 500))
def test_weights_from_logits(seed: int, components: int, spread: float) -> None:
    logits = np.rint(np.random.default_rng(seed).normal(0, spread, (components, 30)) * 4096) / 4096
    weights = weights_from_logits(logits)
    assert weights.dtype == np.int32
    assert (weights >= 0).all()
    assert (weights.sum(axis=0) == 1 << 16).all()
    softmax = np.exp(logits - logits.max(axis=0))
    softmax /= softmax.sum(axis=0)
    assert np.max(np.abs(weights / 65536 - softmax)) < 0.0025 + components * 2**-15


@quick
@given(st.integers(0, 1 << 30), st.integers(1, 5), st.integers(1, 6))
def test_combine_weights(seed: int, groups: int, members: int) -> None:
    rng = np.random.default_rng(seed)
    outer = weights_from_logits(rng.normal(0, 3, (groups, 7)))
    inner = np.stack([weights_from_logits(rng.normal(0, 3, (members, 7))) for _ in range(groups)])
    combined = combine_weights(outer, inner)
    assert combined.shape == (groups * members, 7)
    assert combined.min() >= 0
    assert (combined.sum(axis=0) == 1 << 16).all()
    exact = (outer[:, None] * (inner / 65536)).reshape(groups * members, 7)
    assert np.max(np.abs(combined - exact)) <= groups * members + 1


def test_locations_round_and_clamp() -> None:
    raw = np.array([[0.0, 1 / 4096, -1.5], [1e30, -1e30, np.nan]])
    assert locations(raw).tolist() == [[0, 1, -6144], [1 << 30, -(1 << 30), -(1 << 30)]]


# ---- escapes -----------------------------------------------------------------------------------------------------


@quick
@given(st.lists(st.integers(INT32.min, INT32.max), max_size=30), st.sampled_from([8, 10, 16, 24]))
def test_any_symbols_have_a_support_and_come_back(values: list[int], precision: int) -> None:
    symbols = np.array(values, dtype=np.int32)
    support = best_support(symbols, precision)
    assert len(support) <= 1 << max(precision - 8, 2)
    d = random_mixture(1, 2, len(symbols), support, near=False)
    clipped, excesses = escape(symbols, d)
    low, high = d.edges()
    assert ((clipped >= low) & (clipped <= high)).all()
    reader = iter(np.split(excesses, [len(excesses)]))
    np.testing.assert_array_equal(restore(clipped, d, lambda count: next(reader)[:count]), symbols)


def test_best_support_holds_the_most() -> None:
    symbols = np.concatenate([np.arange(100, 300), [-5000, 9000, INT32.max]]).astype(np.int32)
    support = best_support(symbols, 16)
    assert support.open
    assert support.low < 100
    assert support.high > 299
    assert len(support) == 256
    assert best_support(symbols[:200], 16) == Support(100, 299)
    assert best_support(symbols[:0], 16) == Support(0, 0)


def test_damaged_excesses() -> None:
    d = one_component(np.zeros(3), 100, GAUSSIAN, Support(-2, 2, open=True))
    clipped = np.array([-2, 0, 2], dtype=np.int32)
    with pytest.raises(DamagedStream, match="missing"):
        restore(clipped, d, lambda count: np.zeros(count - 1, dtype=np.uint32))
    with pytest.raises(DamagedStream, match="no int32"):
        restore(clipped, d, lambda count: np.full(count, 2**32 - 1, dtype=np.uint32))
    closed = one_component(np.zeros(3), 100, GAUSSIAN, Support(-2, 2))
    with pytest.raises(PlicError, match="outside"):
        escape(np.array([0, 5, 0], dtype=np.int32), closed)


def test_support_refuses_wrong_windows() -> None:
    for low, high, is_open in ((1, 0, False), (0, 0, True), (0, 1 << 31, False)):
        with pytest.raises(PlicError, match="support"):
            Support(low, high, is_open)
