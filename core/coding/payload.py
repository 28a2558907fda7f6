"""What stands in front of a coder's bytes: the window of the symbols, and the excesses of those outside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..container.wire import Reader, damaged, varint
from ..probability import Support


@dataclass(frozen=True)
class Payload:
    """Payload of one latent's section.

    Layout: zigzag varint of the lowest symbol, varint of (window width - 1) * 2 + open, varint count of excesses,
    the excesses as varints, then the coder's bytes.

    Attributes:
        support: window of the symbols.
        excesses: how far each escaped symbol lies beyond its window, uint32.
        data: the coder's bytes.
    """

    support: Support
    excesses: npt.NDArray[np.uint32]
    data: bytes

    def pack(self) -> bytes:
        """The payload's bytes."""
        low = self.support.low
        fields = [
            varint(2 * low if low >= 0 else -2 * low - 1),
            varint((self.support.high - low) * 2 + self.support.open),
            varint(len(self.excesses)),
            *(varint(int(excess)) for excess in self.excesses),
        ]
        return b"".join(fields) + self.data

    @classmethod
    def unpack(cls, payload: bytes, section: str) -> Payload:
        """Parse a payload.

        Raises:
            DamagedStream: a field is missing or out of range.
        """
        reader = Reader(payload, 0, len(payload), section)
        zigzag = reader.varint("window")
        low = zigzag // 2 if zigzag % 2 == 0 else -(zigzag + 1) // 2
        width = reader.varint("window")
        high, is_open = low + width // 2, bool(width % 2)
        if not -(2**31) <= low <= high < 2**31 or (is_open and low == high):
            raise damaged(section, 0, "its window of symbols is out of range", got=f"{low} to {high}")
        count = reader.varint("escapes")
        if count > reader.left:
            raise damaged(section, 0, "it declares more escapes than it has bytes", got=count, expected=reader.left)
        excesses = np.array([reader.varint("escapes") for _ in range(count)], dtype=np.int64)
        if count and excesses.max() >= 2**32:
            raise damaged(section, 0, "an escape is out of range", got=int(excesses.max()))
        data = reader.take(reader.left, "symbols")
        return cls(Support(low, high, is_open), excesses.astype(np.uint32), data)
