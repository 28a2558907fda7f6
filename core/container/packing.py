"""Between a ``Stream`` and its bytes; ``docs/format.md`` is the specification.

    magic version length | flags recipe fingerprint width height quality [coder] [tile] digest lengths | CRC-16
    section payloads, each followed by its CRC-32

The header says its own length in a fixed place, so its CRC-16 always lies where the writer put it: every error of one
bit in a header is found for certain, not merely with high probability.
"""

from __future__ import annotations

from enum import IntFlag

from ..errors import NotAStream, StreamError, StreamLimit
from ..files import what_it_seems
from .stream import FINGERPRINT_BYTES, FORMAT_VERSION, UINT32_MAX, Header, Limits, Section, SectionKind, Stream
from .wire import Reader, crc16, crc32, damaged, marked_id, varint

MAGIC = b"plic"
_PRELUDE = 6  # bytes of magic, version and header length
_CRC16 = 2
_CRC32 = 4


class _Flag(IntFlag):
    GREY = 1
    SAME_MACHINE = 2
    CODER = 4
    TILED = 8
    SIDE = 16
    ALPHA = 32
    ICC = 64
    NEWER = 128


_OPTIONAL = {SectionKind.SIDE: _Flag.SIDE, SectionKind.ALPHA: _Flag.ALPHA, SectionKind.ICC: _Flag.ICC}


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


def pack_header(stream: Stream) -> bytes:
    """The header alone, from the magic to the CRC-16: at most 181 bytes."""
    header = stream.header
    fields = b"".join(
        (
            bytes([_flags(stream)]),
            marked_id(header.recipe),
            header.fingerprint,
            varint(header.width),
            varint(header.height),
            bytes([header.quality]),
            marked_id(header.coder) if header.coder else b"",
            varint(header.tile) if header.tile else b"",
            int(header.digest).to_bytes(4, "little"),
            *(varint(len(section.payload)) for section in stream.sections[:-1]),
        )
    )
    length = _PRELUDE + len(fields) + _CRC16
    head = MAGIC + bytes([header.version, length]) + fields
    return head + crc16(head).to_bytes(_CRC16, "little")


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
    header_length = _checked_header_length(data)
    reader = Reader(data, _PRELUDE, header_length - _CRC16)
    header, sizes, last = _read_fields(reader)
    if reader.left:
        raise damaged("header", reader.position, f"{reader.left} bytes too many")
    sizes[last] = _size_of_last(data, header_length, sizes, last)
    _check_limits(header, sizes, limits)
    return Stream(header, _read_sections(data, header_length, sizes))


def _flags(stream: Stream) -> int:
    header = stream.header
    flags = _Flag(0)
    for holds, flag in (
        (header.grey, _Flag.GREY),
        (header.same_machine, _Flag.SAME_MACHINE),
        (header.coder, _Flag.CODER),
        (header.tile, _Flag.TILED),
        *((stream.payload(kind) is not None, flag) for kind, flag in _OPTIONAL.items()),
    ):
        if holds:
            flags |= flag
    return int(flags)


def _checked_header_length(data: bytes) -> int:
    """The header's length, once magic, version and CRC-16 are right."""
    if not data or not MAGIC.startswith(data[: len(MAGIC)]):
        hint = "give it a file that `plic encode` wrote"
        raise NotAStream("this is not a .plic file", got=what_it_seems(data), expected="a .plic file", hint=hint)
    if len(data) < _PRELUDE:
        raise damaged("header", len(data), "the file ends here", got=f"{len(data)} bytes")
    version, length = data[len(MAGIC)], data[len(MAGIC) + 1]
    if version != FORMAT_VERSION:
        newer = "a newer plic made this file" if version > FORMAT_VERSION else "this file's format version is unknown"
        hint = "update plic: pip install --upgrade plic" if version > FORMAT_VERSION else "fetch or copy the file again"
        raise NotAStream(newer, got=f"format {version}", expected=f"format {FORMAT_VERSION}", hint=hint)
    if length < _PRELUDE + _CRC16:
        raise damaged("header", 5, "its length is impossible", got=length)
    if length > len(data):
        got, expected = f"{len(data)} bytes", f"at least {length} bytes"
        raise damaged("header", len(data), "the file ends here", got=got, expected=expected)
    stated = int.from_bytes(data[length - _CRC16 : length], "little")
    if crc16(data[: length - _CRC16]) != stated:
        raise damaged("header", 0, "its checksum is wrong")
    return length


def _read_fields(reader: Reader) -> tuple[Header, dict[SectionKind, int], SectionKind]:
    """The header, the stated lengths of all sections but the last, and the kind of the last."""
    flags = _Flag(reader.byte("flags"))
    if _Flag.NEWER in flags:
        hint = "update plic: pip install --upgrade plic"
        raise NotAStream("a newer plic made this file: it uses a feature this plic does not know", hint=hint)
    recipe = reader.identifier("recipe id")
    fingerprint = reader.take(FINGERPRINT_BYTES, "fingerprint")
    width, height = reader.varint("width"), reader.varint("height")
    quality = reader.byte("quality")
    coder = reader.identifier("coder id") if _Flag.CODER in flags else ""
    tile = reader.varint("tile size") if _Flag.TILED in flags else 0
    if _Flag.TILED in flags and tile == 0:
        raise damaged("header", reader.position - 1, "the tile size is zero")
    digest = reader.uint32("digest")
    kinds = [kind for kind in SectionKind if kind not in _OPTIONAL or _OPTIONAL[kind] in flags]
    sizes = {kind: reader.varint(f"length of the {kind.label} section") for kind in kinds[:-1]}
    try:
        header = Header(
            recipe=recipe,
            fingerprint=fingerprint,
            width=width,
            height=height,
            quality=quality,
            digest=digest,
            coder=coder,
            grey=_Flag.GREY in flags,
            same_machine=_Flag.SAME_MACHINE in flags,
            tile=tile,
        )
    except StreamError as error:
        raise damaged("header", _PRELUDE, error.problem, got=error.got, expected=error.expected) from error
    return header, sizes, kinds[-1]


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
