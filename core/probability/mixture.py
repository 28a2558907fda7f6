"""The mixture: what heads with a closed form freeze to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import PlicError
from .distribution import (
    MAX_PRECISION,
    MIN_PROBABILITY_BITS,
    CdfTable,
    Index,
    IntegerDistribution,
    Intervals,
    Support,
    check_precision,
    outside_window,
    plain,
)
from .tables import SCALE_LEVELS, SCALE_RECIPROCALS, WEIGHT_BITS, Family, packed_families

if TYPE_CHECKING:
    from .kernels import Mixture, Window

MASS_BITS = 46


class MixtureDistribution(IntegerDistribution):
    """A mixture of K location-scale components for each of n elements.

    The cumulative frequency below symbol s of a window of N symbols is

        C(s) = floor(F(s - 1/2) * (2^P - N)) + (s - low),    F(s - 1/2) = sum_k w_k F_k((s - 1/2 - m_k) / sigma_k)

    with F taken as 0 at the window's lower end and 1 at its upper end, so that every symbol has a frequency of 1 at
    least.

    Args:
        location: ``int32[K, n]``, steps of 2^-12.
        scale: ``int16[K, n]``, level i of sigma_i = 2^(i/32 - 5), 0 to 448.
        weight: ``int32[K, n]``, not negative, summing to 2^16 over K.
        families: the K components' families; with ``choice``, those that are chosen from, any number.
        support: the window that all elements share.
        choice: ``int16[K, n]``, the place in ``families`` of each element's component, for densities whose shape
            differs from element to element or from channel to channel.

    Raises:
        PlicError: shapes or types do not fit, a scale level or a choice is unknown, or weights do not sum to 2^16.
    """

    def __init__(
        self,
        location: ArrayLike,
        scale: ArrayLike,
        weight: ArrayLike,
        families: tuple[Family, ...],
        support: Support,
        choice: ArrayLike | None = None,
    ) -> None:
        given = np.shape(location) or (0,)
        shape = (len(families) if choice is None else given[0], given[-1])
        self.location: NDArray[np.int32] = plain(location, np.int32, shape, "location")
        self.scale: NDArray[np.int16] = plain(scale, np.int16, shape, "scale")
        self.weight: NDArray[np.int32] = plain(weight, np.int32, shape, "weight")
        self.choice: NDArray[np.int16] | None = None if choice is None else plain(choice, np.int16, shape, "choice")
        self.families = tuple(families)
        self.support = support
        self.open = support.open
        self._check_values()

    def _check_values(self) -> None:
        if not (self.families and len(self.location)):
            raise PlicError("a mixture needs a component", got="no families")
        if self.choice is not None and self.choice.size:
            last = len(self.families) - 1
            if self.choice.min() < 0 or self.choice.max() > last:
                got = f"{self.choice.min()} to {self.choice.max()}"
                raise PlicError("a component chooses a family that is not there", got=got, expected=f"0 to {last}")
        if not self.scale.size:
            return
        if self.scale.min() < 0 or self.scale.max() >= SCALE_LEVELS:
            got = f"{self.scale.min()} to {self.scale.max()}"
            raise PlicError("a scale level is unknown", got=got, expected=f"0 to {SCALE_LEVELS - 1}")
        sums = self.weight.sum(axis=0, dtype=np.int64)
        if self.weight.min() < 0 or np.any(sums != 1 << WEIGHT_BITS):
            got = f"sums of {sums.min()} to {sums.max()}, weights from {self.weight.min()}"
            raise PlicError("the weights of a mixture do not sum to one", got=got, expected="2^16, none negative")

    def __len__(self) -> int:
        return int(self.location.shape[1])

    def take(self, indices: Index) -> Self:
        chosen = object.__new__(type(self))
        chosen.location = np.ascontiguousarray(self.location[:, indices])
        chosen.scale = np.ascontiguousarray(self.scale[:, indices])
        chosen.weight = np.ascontiguousarray(self.weight[:, indices])
        chosen.choice = None if self.choice is None else np.ascontiguousarray(self.choice[:, indices])
        chosen.families, chosen.support, chosen.open = self.families, self.support, self.open
        return chosen

    def edges(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        low = np.full(len(self), self.support.low, dtype=np.int32)
        return low, np.full(len(self), self.support.high, dtype=np.int32)

    def table(self, precision: int) -> CdfTable:
        from . import kernels

        n, width = len(self), len(self.support)
        cdf = np.empty((n, width + 1), dtype=np.int64)
        kernels.mixture_table(*self._arguments(precision), cdf)
        return CdfTable(self.edges()[0], np.full(n, width, dtype=np.int32), cdf)

    def intervals(self, symbols: NDArray[np.int32], precision: int) -> Intervals:
        from . import kernels

        symbols = plain(symbols, np.int32, (len(self),), "symbols")
        start, frequency = np.empty(len(self), dtype=np.uint32), np.empty(len(self), dtype=np.uint32)
        bad = kernels.mixture_intervals(symbols, *self._arguments(precision), start, frequency)
        if bad >= 0:
            raise outside_window(bad, int(symbols[bad]), self.support.low, self.support.high)
        return start, frequency

    def bits(self, symbols: NDArray[np.int32]) -> NDArray[np.float64]:
        from . import kernels

        symbols = plain(symbols, np.int32, (len(self),), "symbols")
        mass = np.empty(len(self), dtype=np.int64)
        bad = kernels.mixture_masses(symbols, *self._arguments(MAX_PRECISION), mass)
        if bad >= 0:
            raise outside_window(bad, int(symbols[bad]), self.support.low, self.support.high)
        bits: NDArray[np.float64] = MASS_BITS - np.log2(np.maximum(mass, 1 << (MASS_BITS - MIN_PROBABILITY_BITS)))
        return bits

    def decode(self, state: NDArray[np.uint64], data: NDArray[np.uint8], precision: int) -> NDArray[np.int32]:
        from . import kernels

        symbols = np.zeros(len(self), dtype=np.int32)
        kernels.decode_mixture(state, data, precision, *self._arguments(precision), symbols)
        return symbols

    def _arguments(self, precision: int) -> tuple[Window, Mixture]:
        """What the kernels take."""
        from . import kernels

        check_precision(precision, len(self.support))
        window = kernels.Window(self.support.low, self.support.high, (1 << precision) - len(self.support))
        centres, packed = packed_families(self.families)
        nodes = centres.reshape(-1, 1) if self.choice is None else centres[self.choice]
        return window, kernels.Mixture(self.location, self.scale, self.weight, nodes, packed, SCALE_RECIPROCALS)
