"""Between a ``Stream`` and its bytes: the header, then section payloads, each followed by its CRC-32.

``docs/format.md`` is the specification.
"""

from __future__ import annotations

from ..errors import StreamError, StreamLimit
from .header import pack_header, unpack_header
from .stream import UINT32_MAX, Header, Limits, Section, SectionKind, Stream
from .wire import crc32, damaged

_CRC32 = 4
_RAISE = "if you trust the file, decode it from Python with higher plic.core.container.Limits"


def pack(stream: Stream) -> bytes:
    """The ``.plic`` file of ``stream``.

    Raises:
        StreamError: a section is longer than 2^32 - 1 bytes.
    """
    for section in stream.sections:
        if len(section.payload) > UINT32_MAX:
            size = f"{len(section.payload)} bytes"
            raise StreamError(f"the {section.kind.label} section is too long", got=size, expected=f"up to {UINT32_MAX}")
    body = b"".join(section.payload + crc32(section.payload).to_bytes(4, "little") for section in stream.sections)
    return pack_header(stream) + body


def unpack(data: bytes, limits: Limits = Limits()) -> Stream:  # noqa: B008 (it is frozen)
    """Reads and checks a whole ``.plic`` file; hostile input is expected.

    The order is: magic and version, the header's checksum, its fields, the limits, the lengths of the sections against
    the size of the file, and last each section's checksum. Nothing is allocated beyond the size of ``data``.

    Args:
        data: the whole file.
        limits: what the stream may declare at most.

    Raises:
        NotAStream: it is another kind of file, or of a newer format.
        DamagedStream: bytes are missing, changed or too many; names the part and the offset.
        StreamLimit: the picture or its metadata is larger than ``limits``.
    """
    header, sizes, last, start = unpack_header(data)
    sizes[last] = _size_of_last(data, start, sizes, last)
    _check_limits(header, sizes, limits)
    return Stream(header, _read_sections(data, start, sizes))


def _check_limits(header: Header, sizes: dict[SectionKind, int], limits: Limits) -> None:
    if header.pixels > limits.max_pixels:
        raise StreamLimit(
            "the stream declares a picture larger than the limit",
            got=f"{header.width}x{header.height} = {header.pixels} pixels",
            expected=f"at most {limits.max_pixels} pixels",
            hint=_RAISE,
        )
    if max(header.width, header.height) > limits.max_side:
        raise StreamLimit(
            "the stream declares a picture with a longer side than the limit",
            got=f"{header.width}x{header.height} pixels",
            expected=f"at most {limits.max_side} pixels on a side",
            hint=_RAISE,
        )
    icc = sizes.get(SectionKind.ICC, 0)
    if icc > limits.max_metadata:
        raise StreamLimit(
            "the stream declares a colour profile larger than the limit",
            got=f"{icc} bytes",
            expected=f"at most {limits.max_metadata} bytes",
            hint=_RAISE,
        )


def _size_of_last(data: bytes, start: int, sizes: dict[SectionKind, int], last: SectionKind) -> int:
    """Length of the last section: what the others leave of the file."""
    position = start
    for kind, size in (*sizes.items(), (last, 0)):
        position += size + _CRC32
        if position > len(data):
            got, expected = f"{len(data)} bytes", f"at least {position} bytes"
            raise damaged(kind.label, len(data), "the file ends here", got=got, expected=expected)
    return len(data) - position


def _read_sections(data: bytes, start: int, sizes: dict[SectionKind, int]) -> tuple[Section, ...]:
    sections = []
    for kind, size in sizes.items():
        end = start + size
        payload, stated = data[start:end], int.from_bytes(data[end : end + _CRC32], "little")
        computed = crc32(payload)
        if computed != stated:
            reason = "its checksum is wrong, or the file was cut off or added to"
            raise damaged(kind.label, start, reason, got=f"{computed:08x}", expected=f"{stated:08x}")
        sections.append(Section(kind, payload))
        start = end + _CRC32
    return tuple(sections)
