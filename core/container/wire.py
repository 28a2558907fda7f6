"""Bytes and numbers: canonical varints, marked ids, checksums, and a reader that never runs past its end."""

from __future__ import annotations

import binascii

from ..errors import DamagedStream
from .stream import UINT32_MAX

_MORE = 0x80
_FETCH_AGAIN = "fetch or copy the file again; it is not as plic wrote it"
_LONGEST_ID = 64


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE: finds every error of one or two bits and every burst of up to 16 bits in a header."""
    return binascii.crc_hqx(data, 0xFFFF)


def crc32(data: bytes) -> int:
    """CRC-32 as in zlib and PNG."""
    return binascii.crc32(data)


def varint(value: int) -> bytes:
    """``value`` (0 to 2^32 - 1) as LEB128: 7 bits a byte, low bits first, bit 7 set on all bytes but the last."""
    out = bytearray()
    while value >= _MORE:
        out.append(value & 0x7F | _MORE)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed_varint(value: int) -> bytes:
    """``value`` (-2^31 to 2^31 - 1) as a varint that small numbers of both signs keep short: 0, -1, 1, -2, ..."""
    return varint(2 * value if value >= 0 else -2 * value - 1)


def marked_id(name: str) -> bytes:
    """An ASCII id whose last letter carries bit 7: it needs no length byte."""
    letters = bytearray(name.encode("ascii"))
    letters[-1] |= _MORE
    return bytes(letters)


def damaged(part: str, offset: int, reason: str, *, got: object = None, expected: object = None) -> DamagedStream:
    """The error for damage in ``part`` (``header``, ``latent``, ...) at byte ``offset`` of the file."""
    problem = f"the stream is damaged: {part} at byte {offset}: {reason}"
    return DamagedStream(problem, got=got, expected=expected, hint=_FETCH_AGAIN)


class Reader:
    """Reads fields one after the other; every failure is a ``DamagedStream`` that names the part and the offset."""

    def __init__(self, data: bytes, start: int, end: int, part: str = "header") -> None:
        self._data = data
        self._part = part
        self._end = end
        self.position = start

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return self._end - self.position

    def take(self, count: int, field: str) -> bytes:
        """The next ``count`` bytes."""
        if count > self.left:
            raise damaged(
                self._part, self.position, f"no room for the {field}", got=f"{self.left} bytes", expected=count
            )
        self.position += count
        return self._data[self.position - count : self.position]

    def byte(self, field: str) -> int:
        """The next byte as a number."""
        return self.take(1, field)[0]

    def uint32(self, field: str) -> int:
        """The next four bytes, little-endian."""
        return int.from_bytes(self.take(4, field), "little")

    def varint(self, field: str) -> int:
        """The next LEB128 number, at most 2^32 - 1, in its shortest form only."""
        start, value = self.position, 0
        for shift in range(0, 35, 7):
            byte = self.byte(field)
            value |= (byte & 0x7F) << shift
            if byte < _MORE:
                if (byte == 0 and shift) or value > UINT32_MAX:
                    break
                return value
        raise damaged(self._part, start, f"the {field} is not a shortest-form number of up to 32 bits")

    def signed_varint(self, field: str) -> int:
        """The next number as :func:`signed_varint` writes it."""
        folded = self.varint(field)
        return -(folded + 1) // 2 if folded % 2 else folded // 2

    def identifier(self, field: str) -> str:
        """The next marked id; its letters are checked by ``Header``."""
        start = self.position
        for length in range(1, _LONGEST_ID + 1):
            if self.byte(field) >= _MORE:
                letters = bytearray(self._data[start : start + length])
                letters[-1] &= 0x7F
                return letters.decode("ascii")
        raise damaged(self._part, start, f"the {field} has more than {_LONGEST_ID} letters")
