"""The table: what learned densities, one per channel, freeze to."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import PlicError
from .distribution import (
    MIN_PROBABILITY_BITS,
    CdfTable,
    Index,
    IntegerDistribution,
    Intervals,
    check_precision,
    plain,
)
from .tables import CDF_BITS


class TableDistribution(IntegerDistribution):
    """Elements that share R explicit CDFs. Always open: the ends of each row's window are escapes.

    Args:
        rows: ``int64[R, L + 1]``, CDFs with 30 fractional bits; row r rises from 0 to 2^30, never falling, over its
            first ``length[r] + 1`` entries (the rest is ignored).
        offset: ``int32[R]``, the symbol of a row's first interval.
        length: ``int32[R]``, symbols per row, 2 to L.
        row_index: the row of each of the n elements, 0 to R - 1.

    Raises:
        PlicError: shapes do not fit, or a row is no CDF.
    """

    open = True

    def __init__(
        self,
        rows: ArrayLike,
        offset: ArrayLike,
        length: ArrayLike,
        row_index: ArrayLike,
    ) -> None:
        count, columns = np.shape(rows) if np.ndim(rows) == 2 else (0, 0)
        self.rows: NDArray[np.int64] = plain(rows, np.int64, (count, columns), "rows")
        self.offset: NDArray[np.int32] = plain(offset, np.int32, (count,), "offset")
        self.length: NDArray[np.int32] = plain(length, np.int32, (count,), "length")
        self.row_index: NDArray[np.int64] = plain(row_index, np.int64, (np.size(row_index),), "row_index")
        self._quantised: dict[int, NDArray[np.int64]] = {}
        self._check_values()
        past = np.arange(columns) > self.length[:, None]
        self.rows = np.where(past, np.int64(1 << CDF_BITS), self.rows)

    def _check_values(self) -> None:
        count, columns = self.rows.shape
        if np.any(self.length < 2) or np.any(self.length >= columns):
            raise PlicError("a row has too few or too many symbols", expected=f"2 to {columns - 1}")
        if np.any(self.offset.astype(np.int64) + self.length - 1 > np.iinfo(np.int32).max):
            raise PlicError("the window of a row passes the largest int32")
        if self.row_index.size and not 0 <= self.row_index.min() <= self.row_index.max() < count:
            raise PlicError("an element names a row that is not there", expected=f"0 to {count - 1}")
        falls = (np.diff(self.rows, axis=1) < 0) & (np.arange(columns - 1) < self.length[:, None])
        ends = self.rows[np.arange(count), self.length]
        late = (self.rows[:, :1] != 0).any(axis=1)
        wrong = np.flatnonzero(late | (ends != 1 << CDF_BITS) | falls.any(axis=1))
        if len(wrong):
            raise PlicError(f"row {wrong[0]} is no CDF", expected=f"0 rising to 2^{CDF_BITS}")

    def __len__(self) -> int:
        return len(self.row_index)

    def take(self, indices: Index) -> Self:
        chosen = object.__new__(type(self))
        chosen.rows, chosen.offset, chosen.length = self.rows, self.offset, self.length
        chosen._quantised = self._quantised
        chosen.row_index = np.ascontiguousarray(self.row_index[indices])
        return chosen

    def edges(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        low = self.offset[self.row_index]
        return low, low + self.length[self.row_index] - 1

    def table(self, precision: int) -> CdfTable:
        length = self.length[self.row_index]
        columns = int(length.max()) + 1 if len(length) else 1
        cdf = np.ascontiguousarray(self._quantise(precision)[self.row_index, :columns])
        return CdfTable(self.offset[self.row_index], length, cdf)

    def intervals(self, symbols: NDArray[np.int32], precision: int) -> Intervals:
        symbols = self.checked(symbols)
        rows = self._quantise(precision)
        column = symbols.astype(np.int64) - self.offset[self.row_index]
        start = rows[self.row_index, column]
        return start.astype(np.uint32), (rows[self.row_index, column + 1] - start).astype(np.uint32)

    def bits(self, symbols: NDArray[np.int32]) -> NDArray[np.float64]:
        symbols = self.checked(symbols)
        column = symbols.astype(np.int64) - self.offset[self.row_index]
        mass = self.rows[self.row_index, column + 1] - self.rows[self.row_index, column]
        bits: NDArray[np.float64] = CDF_BITS - np.log2(np.maximum(mass, 1 << (CDF_BITS - MIN_PROBABILITY_BITS)))
        return bits

    def decode(self, state: NDArray[np.uint64], data: NDArray[np.uint8], precision: int) -> NDArray[np.int32]:
        from . import kernels

        symbols = np.zeros(len(self), dtype=np.int32)
        rows = self._quantise(precision)
        kernels.decode_rows(state, data, precision, rows, self.offset, self.length, self.row_index, symbols)
        return symbols

    def _quantise(self, precision: int) -> NDArray[np.int64]:
        """All rows at ``precision``: scaled down, and at least 1 for each symbol. Made once and shared by ``take``."""
        if precision not in self._quantised:
            check_precision(precision, int(self.length.max(initial=1)))
            length = self.length.astype(np.int64)[:, None]
            scaled = (self.rows * ((1 << precision) - length)) >> CDF_BITS
            self._quantised[precision] = scaled + np.minimum(np.arange(self.rows.shape[1]), length)
        return self._quantised[precision]
