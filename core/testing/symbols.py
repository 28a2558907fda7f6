"""Symbols and integer distributions that coders are tried with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from ..probability import (
    GAUSSIAN,
    LAPLACIAN,
    LOGISTIC,
    SCALE_LEVELS,
    CdfTable,
    IntegerDistribution,
    MixtureDistribution,
    Support,
    TableDistribution,
    weights_from_logits,
)
from ..probability.distribution import Index

FAMILIES = (GAUSSIAN, LAPLACIAN, LOGISTIC)
CDF_TOTAL = 1 << 30

Step = tuple[IntegerDistribution, NDArray[np.int32]]


@dataclass(frozen=True)
class Plan:
    """How the distributions and symbols of one step are made.

    Attributes:
        kind: ``mixture``; ``rows``, with windows of different lengths; ``bare``, which has a table only.
        count: elements.
        width: symbols in a mixture's window.
        seed: of everything else.
        likely: symbols are drawn near the middle of the window, not from all of it.
    """

    kind: str
    count: int
    width: int
    seed: int
    likely: bool = True

    def step(self) -> Step:
        """The distributions and symbols."""
        random = np.random.default_rng(self.seed)
        if self.kind == "rows":
            distribution: IntegerDistribution = _rows(random, self.count)
        else:
            mixture = _mixture(random, self.count, self.width)
            distribution = Bare(mixture) if self.kind == "bare" else mixture
        low, high = (edge.astype(np.int64) for edge in distribution.edges())
        if self.likely:
            middle = (low + high) // 2
            low, high = np.maximum(low, middle - 2), np.minimum(high, middle + 2)
        return distribution, random.integers(low, high, endpoint=True).astype(np.int32)


def plans(widest: int) -> st.SearchStrategy[list[Plan]]:
    """Strategy for the steps of a stream, among them empty ones and windows of one and of ``widest`` symbols."""
    widths = st.one_of(st.integers(1, 40), st.sampled_from([1, 2, widest]))
    kinds = st.sampled_from(["mixture", "rows", "bare"])
    return st.lists(
        st.builds(Plan, kinds, st.integers(0, 30), widths, st.integers(0, 2**16), st.booleans()), max_size=4
    )


def fixed_plans() -> list[Plan]:
    """Steps of all kinds, for checks that go through all the bytes of a stream."""
    kinds = ("mixture", "rows", "mixture", "bare", "mixture")
    return [
        Plan(kind, count, 20, index) for index, (kind, count) in enumerate(zip(kinds, (40, 20, 0, 9, 1), strict=True))
    ]


def steps_of(plans: Sequence[Plan]) -> list[Step]:
    """Distributions and symbols of each step."""
    return [plan.step() for plan in plans]


def _mixture(random: np.random.Generator, count: int, width: int) -> MixtureDistribution:
    shape = (int(random.integers(1, 5)), count)
    low = int(random.integers(-width, 1))
    centre = (low + width / 2) * 4096
    return MixtureDistribution(
        np.rint(random.normal(centre, 4096 * 3, shape)).astype(np.int32),
        random.integers(0, SCALE_LEVELS, shape).astype(np.int16),
        weights_from_logits(random.normal(0, 3, shape)),
        tuple(FAMILIES[i] for i in random.integers(0, 3, shape[0])),
        Support(low, low + width - 1),
    )


def _rows(random: np.random.Generator, count: int) -> TableDistribution:
    table = np.sort(random.integers(0, CDF_TOTAL, (5, 21)), axis=1)
    table[:, 0] = 0
    length = np.array([2, 5, 9, 20, 20], dtype=np.int32)
    table[np.arange(5), length] = CDF_TOTAL
    return TableDistribution(table, random.integers(-9, 9, 5), length, random.integers(0, 5, count))


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
