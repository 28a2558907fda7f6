"""The default coder: a 64-bit range coder that evaluates probabilities only where it needs them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DamagedStream, PlicError
from ...core.probability.distribution import IntegerDistribution
from ...core.slots.coder import Coder, Decoder, Encoder

FULL = (1 << 64) - 1
BYTES_PER_SYMBOL = 4  # at most: 30 bits of a symbol leave in two words


def closing_bytes(lower: int, width: int) -> tuple[int, int]:
    """The fewest leading bytes that, followed by zeros, name a value in ``[lower, lower + width)``.

    Returns:
        The number of bytes, and how far the value lies above ``lower`` (of 64 bits; it may pass 2^64: a carry).
    """
    for count in range(9):
        above = -lower % (1 << (64 - 8 * count))
        if above < width:
            return count, above
    raise PlicError("a range coder's interval is empty", got=width, hint="report this as a bug")


class RangeEncoder(Encoder):
    """See :class:`RangeCoder`."""

    def __init__(self, precision: int) -> None:
        self._precision = precision
        self._state = np.array([0, FULL], dtype=np.uint64)
        self._buffer = np.zeros(1024, dtype=np.uint8)
        self._used = 0

    def encode(self, distribution: IntegerDistribution, symbols: NDArray[np.int32]) -> None:
        from ...core.probability import kernels

        start, frequency = distribution.intervals(symbols, self._precision)
        self._reserve(BYTES_PER_SYMBOL * len(start))
        used = kernels.range_encode(start, frequency, self._precision, self._state, self._buffer, self._used)
        if used < 0:
            raise PlicError(f"{type(distribution).__name__} gives an interval that is empty or too long")
        self._used = used

    def finish(self) -> bytes:
        lower, width = (int(v) for v in self._state)
        count, above = closing_bytes(lower, width)
        value = lower + above
        prefix = bytearray(self._buffer[: self._used].tobytes())
        if value > FULL:
            _carry(prefix)
        return bytes(prefix) + (value & FULL).to_bytes(8, "big")[:count]

    def _reserve(self, room: int) -> None:
        if self._used + room > len(self._buffer):
            grown = np.empty(max(2 * len(self._buffer), self._used + room), dtype=np.uint8)
            grown[: self._used] = self._buffer[: self._used]
            self._buffer = grown


def _carry(written: bytearray) -> None:
    """Adds one to the number that the bytes spell."""
    at = len(written) - 1
    while written[at] == 255:
        written[at] = 0
        at -= 1
    written[at] += 1


class RangeDecoder(Decoder):
    """See :class:`RangeCoder`."""

    def __init__(self, data: bytes, precision: int) -> None:
        self._precision = precision
        self._data = np.frombuffer(data, dtype=np.uint8).copy()
        first = int.from_bytes(data[:8].ljust(8, b"\0"), "big")
        self._state = np.array([0, FULL, first, 8, 0], dtype=np.uint64)  # see core/probability/kernels.py

    def decode(self, distribution: IntegerDistribution) -> NDArray[np.int32]:
        symbols = distribution.decode(self._state, self._data, self._precision)
        self._refuse_corrupt()
        return symbols

    def finish(self) -> None:
        self._refuse_corrupt()
        lower, width, value, position, _ = (int(v) for v in self._state)
        count, above = closing_bytes(lower, width)
        length = position - 8 + count
        if length != len(self._data):
            raise DamagedStream("the coded data has the wrong length", got=len(self._data), expected=length)
        if value != above:
            raise DamagedStream("the coded data does not end as its encoder would have ended it")

    def _refuse_corrupt(self) -> None:
        if self._state[4]:
            raise DamagedStream("the coded data is cut short or changed", got=f"{len(self._data)} bytes")


class RangeCoder(Coder):
    """64-bit interval, carries into bytes already written, 24-bit frequencies; the lazy view of distributions.

    Costs at most 8 bytes more than the information coded, a few hundredths of a percent otherwise.
    """

    precision = 24

    def encoder(self) -> Encoder:
        return RangeEncoder(self.precision)

    def decoder(self, data: bytes) -> Decoder:
        return RangeDecoder(data, self.precision)
