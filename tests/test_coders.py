"""The coders beyond their contract (test_conformance.py): escapes, compatible with one another, small, never lost."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Self

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from plic.core.errors import DamagedStream, PluginError
from plic.core.probability import (
    GAUSSIAN,
    LAPLACIAN,
    LOGISTIC,
    SCALE_LEVELS,
    IntegerDistribution,
    MixtureDistribution,
    Support,
    TableDistribution,
    best_support,
    escape,
    locations,
    restore,
    scale_levels,
    weights_from_logits,
)
from plic.core.probability.distribution import CdfTable, Index
from plic.core.slots.coder import Coder
from plic.plugins.coder import torchac as torchac_module
from plic.plugins.coder.constriction import ConstrictionCoder, masses
from plic.plugins.coder.range_coder import RangeCoder
from plic.plugins.coder.torchac import TorchacCoder, from_leb128, to_leb128

INT32 = np.iinfo(np.int32)
FAMILIES = (GAUSSIAN, LAPLACIAN, LOGISTIC)
CODERS: dict[str, Callable[[], Coder]] = {
    "range": RangeCoder,
    "torchac": TorchacCoder,
    "constriction": ConstrictionCoder,
}
quick = settings(max_examples=50, deadline=None)

Steps = list[tuple[IntegerDistribution, NDArray[np.int32]]]


@pytest.fixture(params=CODERS, scope="module")
def coder(request: pytest.FixtureRequest) -> Coder:
    name: str = request.param
    if name != "range" and importlib.util.find_spec(name) is None:
        pytest.skip(f"the optional extra {name} is not installed")
    made = CODERS[name]()
    try:
        made.encoder()
    except PluginError as error:
        pytest.skip(f"{name} cannot be used here: {error.got}")
    return made


def encoded(coder: Coder, steps: Steps) -> bytes:
    encoder = coder.encoder()
    for distribution, symbols in steps:
        encoder.encode(distribution, symbols)
    return encoder.finish()


def decoded(coder: Coder, data: bytes, steps: Steps) -> list[NDArray[np.int32]]:
    decoder = coder.decoder(data)
    symbols = [decoder.decode(distribution) for distribution, _ in steps]
    decoder.finish()
    return symbols


def assert_comes_back(coder: Coder, steps: Steps) -> bytes:
    data = encoded(coder, steps)
    for (_, symbols), got in zip(steps, decoded(coder, data, steps), strict=True):
        assert got.dtype == np.int32
        np.testing.assert_array_equal(got, symbols)
    return data


def realistic(seed: int, n: int, components: int) -> tuple[MixtureDistribution, NDArray[np.int32]]:
    """A mixture like a trained head's, and symbols drawn from it."""
    rng = np.random.default_rng(seed)
    shape = (components, n)
    location, sigma = rng.normal(0, 0.4, shape), np.exp(rng.normal(-1.5, 1, shape)).clip(0.04)
    weight = weights_from_logits(rng.normal(0, 2, shape))
    chosen = (weight.cumsum(axis=0) > rng.integers(0, 1 << 16, n)).argmax(axis=0), np.arange(n)
    symbols = np.rint(rng.normal(location[chosen], sigma[chosen])).astype(np.int32)
    families = tuple(FAMILIES[k % 3] for k in range(components))
    support = best_support(symbols, 24)
    return MixtureDistribution(locations(location), scale_levels(sigma), weight, families, support), symbols


def rows(seed: int, n: int) -> tuple[TableDistribution, NDArray[np.int32]]:
    """Channels with windows of different lengths."""
    rng = np.random.default_rng(seed)
    table = np.sort(rng.integers(0, 1 << 30, (5, 21)), axis=1)
    table[:, 0] = 0
    length = np.array([2, 5, 9, 20, 20], dtype=np.int32)
    table[np.arange(5), length] = 1 << 30
    d = TableDistribution(table, rng.integers(-9, 9, 5), length, rng.integers(0, 5, n))
    return d, rng.integers(*d.edges(), endpoint=True, dtype=np.int32)


def sample_steps(seed: int = 0, n: int = 300) -> Steps:
    return [realistic(seed, n, 3), rows(seed, n // 2), realistic(seed + 1, 1, 1), realistic(seed + 2, n, 9)]


# ---- lossless ----------------------------------------------------------------------------------------------------


@st.composite
def any_steps(draw: st.DrawFn) -> list[tuple[int, list[int]]]:
    extremes = st.sampled_from([INT32.min, INT32.max, 0, -1])
    small, anything = st.integers(-9, 9), st.integers(INT32.min, INT32.max)
    numbers = st.lists(st.one_of(small, small, anything, extremes), max_size=12)
    return draw(st.lists(st.tuples(st.integers(0, 1 << 30), numbers), max_size=4))


@quick
@given(plan=any_steps(), is_open=st.booleans())
def test_any_symbols_any_mixture_any_steps(coder: Coder, plan: list[tuple[int, list[int]]], is_open: bool) -> None:
    steps: Steps = []
    originals = []
    excesses = []
    for seed, values in plan:
        rng = np.random.default_rng(seed)
        shape = (int(rng.integers(1, 6)), len(values))
        symbols = np.array(values, dtype=np.int32)
        support = Support(-2, 3, open=True) if is_open else best_support(symbols, coder.precision - 4)
        mixture = MixtureDistribution(
            rng.integers(-40000, 40000, shape).astype(np.int32)
            if seed % 2
            else rng.integers(INT32.min, INT32.max, shape).astype(np.int32),
            rng.integers(0, SCALE_LEVELS, shape).astype(np.int16),
            weights_from_logits(rng.normal(0, 5, shape)),
            tuple(FAMILIES[i] for i in rng.integers(0, 3, shape[0])),
            support,
        )
        clipped, excess = escape(symbols, mixture)
        originals.append(symbols)
        excesses.append(excess)
        steps.append((mixture, clipped))
    assert_comes_back(coder, steps)
    for (distribution, clipped), symbols, excess in zip(steps, originals, excesses, strict=True):
        restored = restore(clipped, distribution, lambda count, e=excess: e[:count])  # type: ignore[misc]
        np.testing.assert_array_equal(restored, symbols)


def test_steps_of_all_kinds(coder: Coder) -> None:
    steps = sample_steps()
    ideal = sum(d.bits(s).sum() for d, s in steps) / 8
    size = len(assert_comes_back(coder, steps))
    assert size < ideal * (1.006 if coder.precision == 16 else 1.0005) + 4 * len(steps) + 8


class Bare(IntegerDistribution):
    """A third party's distribution that has only a table."""

    open = False

    def __init__(self, inner: IntegerDistribution) -> None:
        self.inner = inner

    def __len__(self) -> int:
        return len(self.inner)

    def take(self, indices: Index) -> Self:
        return type(self)(self.inner.take(indices))

    def edges(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        return self.inner.edges()

    def table(self, precision: int) -> CdfTable:
        return self.inner.table(precision)


def test_table_view_alone_codes_the_same(coder: Coder) -> None:
    mixture, symbols = realistic(5, 500, 3)
    assert assert_comes_back(coder, [(Bare(mixture), symbols)]) == encoded(coder, [(mixture, symbols)])
    np.testing.assert_allclose(Bare(mixture).bits(symbols), mixture.bits(symbols), atol=0.05, rtol=0.01)


def test_large_window_needs_several_chunks(coder: Coder) -> None:
    n, width = 1500, 12000
    rng = np.random.default_rng(3)
    symbols = rng.integers(-width // 2, width // 2, n).astype(np.int32)
    d = MixtureDistribution(
        (symbols[None] * 4096).astype(np.int32), np.full((1, n), 300, np.int16), np.full((1, n), 1 << 16, np.int32),
        (LOGISTIC,), Support(-width // 2, width // 2),
    )  # fmt: skip
    assert_comes_back(coder, [(d, symbols)])


# ---- the format --------------------------------------------------------------------------------------------------

GOLDEN = "43a133faac12b2b32f06"


def golden_steps() -> Steps:
    """A stream made of integers only."""
    location = np.array([[0, 3000, -9000, 50000, -123], [4096, -4096, 0, 40960, 77]], dtype=np.int32)
    scale = np.array([[100, 160, 200, 250, 10], [0, 448, 128, 300, 224]], dtype=np.int16)
    weight = np.array([[65536, 32768, 100, 0, 40000], [0, 32768, 65436, 65536, 25536]], dtype=np.int32)
    mixture = MixtureDistribution(location, scale, weight, (GAUSSIAN, LAPLACIAN), Support(-20, 20))
    logistic = MixtureDistribution(location[:1], scale[:1], [[65536] * 5], (LOGISTIC,), Support(-3, 13, open=True))
    table = TableDistribution([[0, 1 << 10, 1 << 29, (1 << 30) - 7, 1 << 30]], [-2], [4], [0] * 6)
    return [
        (mixture, np.array([0, -7, 3, 20, 0], dtype=np.int32)),
        (logistic, np.array([1, 0, -3, 13, 0], dtype=np.int32)),
        (table, np.array([-1, 0, 0, -2, 1, -1], dtype=np.int32)),
    ]


def test_range_coder_golden_bytes() -> None:
    """Streams written by any version of plic must decode with every later one: never change these bytes."""
    steps = golden_steps()
    assert encoded(RangeCoder(), steps).hex() == GOLDEN
    for (_, symbols), got in zip(steps, decoded(RangeCoder(), bytes.fromhex(GOLDEN), steps), strict=True):
        np.testing.assert_array_equal(got, symbols)


@pytest.mark.parametrize("components", [1, 9])
def test_range_coder_overhead(components: int) -> None:
    mixture, symbols = realistic(1, 200_000, components)
    size = len(assert_comes_back(RangeCoder(), [(mixture, symbols)]))
    assert size * 8 / mixture.bits(symbols).sum() < 1.0005


def test_range_coder_is_tight_at_low_rates() -> None:
    n = 200_000
    d = TableDistribution([[0, 1 << 20, (1 << 30) - (1 << 20), 1 << 30]], [-1], [3], np.zeros(n, dtype=np.int64))
    symbols = np.random.default_rng(0).choice(np.array([-1, 0, 1], np.int32), n, p=[2**-10, 1 - 2**-9, 2**-10])
    size = len(assert_comes_back(RangeCoder(), [(d, symbols)]))
    assert size * 8 < d.bits(symbols).sum() * 1.001 + 64


def test_range_coder_carries_through_written_bytes() -> None:
    """Symbols at the top of the interval make runs of 255 that a carry must cross."""
    top = TableDistribution([[0, (1 << 30) - 1, 1 << 30]], [0], [2], [0] * 40)
    even = TableDistribution([[0, 1 << 29, 1 << 30]], [0], [2], [0] * 40)
    rng = np.random.default_rng(0)
    for _ in range(300):
        steps: Steps = [(d, (rng.random(40) < p).astype(np.int32)) for d, p in ((top, 0.95), (even, 0.99), (top, 0.5))]
        assert_comes_back(RangeCoder(), steps)


def test_constriction_uses_exactly_our_intervals() -> None:
    """Its stream has the size that our frequencies give, and its model the left edges of our table."""
    constriction = pytest.importorskip("constriction", reason="the optional extra constriction is not installed")
    mixture, _ = realistic(2, 200, 3)
    probabilities, offset = masses(mixture)
    cdf = mixture.table(24).cdf
    np.testing.assert_array_equal(probabilities.sum(axis=1), (1 << 24) - (cdf.shape[1] - 1))
    coder = constriction.stream.queue
    model = constriction.stream.model.Categorical(perfect=False)
    # A first word v of a stream makes the first symbol the one whose interval holds v * 2^24 / 2^32 or so.
    for i in range(40):
        for column in (1, cdf.shape[1] // 2, cdf.shape[1] - 2):
            edge = int(cdf[i, column])
            for target, expected in ((edge, column), (edge - 1, column - 1)):
                words = np.array([(target << 8) + 128, 0, 0], dtype=np.uint32)
                got = coder.RangeDecoder(words).decode(model, probabilities[i : i + 1])
                assert got[0] == expected
    assert offset[0] == mixture.support.low


# ---- damaged data ------------------------------------------------------------------------------------------------


def attempt(coder: Coder, data: bytes, steps: Steps) -> bool:
    """Whether the data was refused. If not, it is exactly what the encoder makes of the symbols it holds.

    An arithmetic coder that wastes nothing gives nearly every string of bytes a meaning: what is damaged can be the
    stream of other symbols. Those are found by the file's checksums, not here.
    """
    try:
        symbols = decoded(coder, data, steps)
    except DamagedStream:
        return True
    read = [(distribution, got) for (distribution, _), got in zip(steps, symbols, strict=True)]
    assert encoded(coder, read) == data
    return False


def test_flipped_bits_never_crash_and_are_mostly_noticed(coder: Coder) -> None:
    steps = sample_steps(n=100)
    data = encoded(coder, steps)
    rng = np.random.default_rng(0)
    trials, refused = 150, 0
    for _ in range(trials):
        damaged = bytearray(data)
        at = int(rng.integers(len(data)))
        damaged[at] ^= 1 << int(rng.integers(8))
        refused += attempt(coder, bytes(damaged), steps)
    assert refused > 0.75 * trials


def test_garbage_does_not_hang(coder: Coder) -> None:
    """Wide windows, extreme parameters, and as many symbols as the data cannot hold."""
    n = 20_000
    rng = np.random.default_rng(0)
    d = MixtureDistribution(
        rng.integers(INT32.min, INT32.max, (2, n)).astype(np.int32), rng.integers(0, SCALE_LEVELS, (2, n)),
        weights_from_logits(rng.normal(0, 5, (2, n))), (GAUSSIAN, LOGISTIC), Support(-100, 99, open=True),
    )  # fmt: skip
    began = time.perf_counter()
    for data in (b"", b"\xff" * 5000, b"\0" * 5000, rng.bytes(50_000)):
        attempt(coder, data, [(d, np.zeros(0, dtype=np.int32))])
    assert time.perf_counter() - began < 20


@quick
@given(data=st.binary(max_size=8), value=st.integers(0, 1 << 34))
def test_leb128(data: bytes, value: int) -> None:
    assert from_leb128(b"x" + to_leb128(value), 1) == (value, 1 + len(to_leb128(value)))
    try:
        number, end = from_leb128(data, 0)
    except DamagedStream:
        return
    assert to_leb128(number) == data[:end]


# ---- optional extras ---------------------------------------------------------------------------------------------


def test_coders_agree() -> None:
    """The same symbols through all three: the sizes differ by little."""
    steps = sample_steps(n=2000)
    sizes = {"range": len(assert_comes_back(RangeCoder(), steps))}
    for name in ("torchac", "constriction"):
        if importlib.util.find_spec(name):
            sizes[name] = len(assert_comes_back(CODERS[name](), steps))
    assert max(sizes.values()) < 1.01 * min(sizes.values()) + 16


def test_missing_packages_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    from plic.plugins.coder import constriction as constriction_module

    torchac_module.load_torchac.cache_clear()
    constriction_module.load_constriction.cache_clear()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "torchac", None)
        patch.setitem(sys.modules, "constriction", None)
        for made in (TorchacCoder(), ConstrictionCoder()):
            with pytest.raises(PluginError, match="pip install"):
                made.encoder()
            with pytest.raises(PluginError, match="pip install"):
                made.decoder(b"")


def test_missing_ninja_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise RuntimeError("Ninja is required to load C++ extensions\nand more")

    torchac_module.load_torchac.cache_clear()
    monkeypatch.setattr("plic.plugins.coder.torchac.importlib.import_module", broken)
    with pytest.raises(PluginError, match="Ninja is required"):
        TorchacCoder().encoder()


def test_torchac_is_silent() -> None:
    if importlib.util.find_spec("torchac") is None:
        pytest.skip("the optional extra torchac is not installed")
    code = (
        "from plic.plugins.coder.torchac import TorchacCoder\nfrom plic.core.errors import PluginError\n"
        "try: TorchacCoder().encoder()\nexcept PluginError: pass"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=dict(os.environ))
    assert done.stdout == b""
    assert done.stderr == b""
