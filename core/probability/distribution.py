"""Integer distributions: what a frozen head yields and every coder codes with.

    head.freeze(parameters) -> IntegerDistribution --intervals--> an encoder, at the symbols' own edges only
                                                   --decode-----> the range decoder, along a search from the mean
                                                   --table------> coders that want whole CDF rows

All views are the same integers. Numba is imported where something is evaluated.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import PlicError

INT32 = np.iinfo(np.int32)
MAX_PRECISION = 30
MIN_PROBABILITY_BITS = 30  # reported cross-entropies never count more for one symbol
TABLE_BUDGET = 1 << 22  # entries of a CDF table made at once: 32 MiB

Index = NDArray[np.integer[Any]] | slice


@dataclass(frozen=True)
class Support:
    """The window of symbols that a distribution covers.

    Args:
        low: its first symbol, int32.
        high: its last, at least ``low``; more than ``low`` when open.
        open: both ends are escapes: they stand for themselves and everything beyond, see :mod:`.escape`.

    Raises:
        PlicError: the ends are in the wrong order or no int32.
    """

    low: int
    high: int
    open: bool = False

    def __post_init__(self) -> None:
        if not INT32.min <= self.low <= self.high <= INT32.max or (self.open and self.low == self.high):
            raise PlicError(
                "a support must be an int32 window, of two symbols at least if open",
                got=f"[{self.low}, {self.high}]{' open' if self.open else ''}",
            )

    def __len__(self) -> int:
        return self.high - self.low + 1


@dataclass(frozen=True)
class CdfTable:
    """Quantised CDF rows of n elements.

    Args:
        offset: ``int32[n]``, the symbol of a row's first interval.
        length: ``int32[n]``, symbols per row.
        cdf: ``int64[n, max(length) + 1]``; row i rises strictly from 0 to ``2^precision`` over its first
            ``length[i] + 1`` entries, and repeats the last after them.
    """

    offset: NDArray[np.int32]
    length: NDArray[np.int32]
    cdf: NDArray[np.int64]


Intervals = tuple[NDArray[np.uint32], NDArray[np.uint32]]


class IntegerDistribution(ABC):
    """Probabilities of n independent symbols, as integers.

    Only the window, ``take`` and ``table`` must be written; the other views have defaults that read the table. A
    subclass with a faster way overrides them, and must give the same integers.
    """

    open: bool
    """Whether the ends of each window are escapes."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of elements n."""

    @abstractmethod
    def take(self, indices: Index) -> Self:
        """The distribution of some elements, in the order given (an integer array or a slice)."""

    @abstractmethod
    def edges(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """First and last symbol of each element's window, both ``int32[n]`` and inclusive."""

    @abstractmethod
    def table(self, precision: int) -> CdfTable:
        """Quantised CDF rows; every symbol of the window has a frequency of at least 1 out of ``2^precision``.

        Raises:
            PlicError: the window is wider than ``2^precision``, or the precision is not in 1 to 30.
        """

    def chunks(self, budget: int = TABLE_BUDGET) -> Iterator[tuple[slice, Self]]:
        """Runs of elements, in order, whose tables have at most ``budget`` entries (or one element each)."""
        low, high = self.edges()
        widest = int((high.astype(np.int64) - low).max()) + 2 if len(low) else 2
        size = max(1, budget // widest)
        for first in range(0, len(self), size):
            part = slice(first, min(first + size, len(self)))
            yield part, self.take(part)

    def intervals(self, symbols: NDArray[np.int32], precision: int) -> Intervals:
        """Where each symbol lies in ``[0, 2^precision)``: its start and its frequency (at least 1), both ``uint32[n]``.

        Args:
            symbols: ``int32[n]``, inside the window.
            precision: bits of the total, 1 to 30.

        Raises:
            PlicError: a symbol is outside its window, or their number is not n.
        """
        symbols = self.checked(symbols)
        start, frequency = np.empty(len(self), dtype=np.uint32), np.empty(len(self), dtype=np.uint32)
        for part, distribution in self.chunks():
            rows = distribution.table(precision)
            at = np.arange(len(distribution))
            column = symbols[part].astype(np.int64) - rows.offset
            start[part] = rows.cdf[at, column]
            frequency[part] = rows.cdf[at, column + 1] - rows.cdf[at, column]
        return start, frequency

    def bits(self, symbols: NDArray[np.int32]) -> NDArray[np.float64]:
        """The model's own cross-entropy per symbol, ``float64[n]`` in bits: at full resolution, before any coder's
        precision and least frequency, and at most 30 bits each. For reports only.

        Raises:
            PlicError: as ``intervals``.
        """
        _, frequency = self.intervals(symbols, MAX_PRECISION)
        return MAX_PRECISION - np.log2(frequency)

    def decode(self, state: NDArray[np.uint64], data: NDArray[np.uint8], precision: int) -> NDArray[np.int32]:
        """Symbols read by a range decoder; ``state`` (see :mod:`.kernels`) moves on, or is marked corrupt."""
        from . import kernels

        symbols = np.zeros(len(self), dtype=np.int32)
        for part, distribution in self.chunks():
            rows = distribution.table(precision)
            row_of = np.arange(len(distribution), dtype=np.int64)
            kernels.decode_rows(state, data, precision, rows.cdf, rows.offset, rows.length, row_of, symbols[part])
        return symbols

    def checked(self, symbols: NDArray[np.int32]) -> NDArray[np.int32]:
        """``symbols`` as a plain int32 array, one for each element and inside its window.

        Raises:
            PlicError: otherwise.
        """
        symbols = plain(symbols, np.int32, (len(self),), "symbols")
        low, high = self.edges()
        outside = (symbols < low) | (symbols > high)
        if outside.any():
            i = int(np.argmax(outside))
            raise outside_window(i, int(symbols[i]), int(low[i]), int(high[i]))
        return symbols


def outside_window(index: int, symbol: int, low: int, high: int) -> PlicError:
    """The error for a symbol that its distribution does not cover."""
    return PlicError(
        f"symbol {index} is outside the window of its distribution",
        got=symbol,
        expected=f"{low} to {high}",
        hint="pass the symbols through escape(), or choose the window with best_support()",
    )


def check_precision(precision: int, widest: int) -> None:
    """Raises PlicError unless ``widest`` symbols can all have a frequency in ``2^precision``."""
    if not 1 <= precision <= MAX_PRECISION or widest > 1 << precision:
        raise PlicError(
            f"a precision of {precision} bits cannot hold this distribution",
            got=f"a window of {widest} symbols",
            expected=f"1 to {MAX_PRECISION} bits, and at most one symbol per unit",
        )


def plain(array: Any, dtype: type[np.generic], shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """``array`` as the kernels want it: of this integer type and shape, contiguous and writeable (copied if need be).

    Raises:
        PlicError: the shape differs, the type is not an integer, or a value does not fit.
    """
    given = np.asarray(array)
    if given.shape != shape or not (np.issubdtype(given.dtype, np.integer) or given.size == 0):
        raise PlicError(
            f"{name} has the wrong shape or type",
            got=f"{given.dtype}{list(given.shape)}",
            expected=f"{np.dtype(dtype).name}{list(shape)}",
        )
    if given.size and not np.can_cast(given.dtype, dtype):
        limits = np.iinfo(np.dtype(dtype).name)
        if given.min() < limits.min or given.max() > limits.max:
            raise PlicError(f"{name} does not fit {limits.dtype}", got=f"{given.min()} to {given.max()}")
    return np.require(given, dtype, ["C", "W", "A"])
