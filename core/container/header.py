"""The header of a ``.plic`` file, between a ``Stream`` and bytes; ``docs/format.md`` is the specification.

    magic version length | flags [further flags] recipe fingerprint width height quality [fraction] [coder] [tile]
        [offsets] digest lengths | CRC-16

The header says its own length in a fixed place, so its CRC-16 always lies where the writer put it: every error of one
bit in a header is found for certain, not merely with high probability.
"""

from __future__ import annotations

from enum import IntFlag

from ..errors import NotAStream, StreamError
from ..files import what_it_seems
from .stream import FINGERPRINT_BYTES, FORMAT_VERSION, QUALITY_STEPS, Header, SectionKind, Stream
from .wire import Reader, crc16, damaged, marked_id, signed_varint, varint

MAGIC = b"plic"
_PRELUDE = 6  # bytes of magic, version and header length
_CRC16 = 2


class _Flag(IntFlag):
    GREY = 1
    SAME_MACHINE = 2
    CODER = 4
    TILED = 8
    SIDE = 16
    ALPHA = 32
    ICC = 64
    EXTENDED = 128


class _Further(IntFlag):
    """Flags that follow, as a varint, where EXTENDED is set."""

    FRACTION = 1
    OFFSETS = 2


_OPTIONAL = {SectionKind.SIDE: _Flag.SIDE, SectionKind.ALPHA: _Flag.ALPHA, SectionKind.ICC: _Flag.ICC}


def pack_header(stream: Stream) -> bytes:
    """The header alone, from the magic to the CRC-16: at most 184 bytes."""
    header, further = stream.header, _further(stream)
    level, fraction = divmod(round(header.quality * QUALITY_STEPS), QUALITY_STEPS)
    fields = b"".join(
        (
            bytes([_flags(stream) | (_Flag.EXTENDED if further else 0)]),
            varint(further) if further else b"",
            marked_id(header.recipe),
            header.fingerprint,
            varint(header.width),
            varint(header.height),
            bytes([level, fraction] if _Further.FRACTION in further else [level]),
            marked_id(header.coder) if header.coder else b"",
            varint(header.tile) if header.tile else b"",
            pack_offsets(header),
            int(header.digest).to_bytes(4, "little"),
            *(varint(len(section.payload)) for section in stream.sections[:-1]),
        )
    )
    length = _PRELUDE + len(fields) + _CRC16
    head = MAGIC + bytes([header.version, length]) + fields
    return head + crc16(head).to_bytes(_CRC16, "little")


def pack_offsets(header: Header) -> bytes:
    """The field of the header that holds the colour offsets; nothing where there are none."""
    return b"".join(signed_varint(offset) for offset in header.offsets)


def unpack_header(data: bytes) -> tuple[Header, dict[SectionKind, int], SectionKind, int]:
    """Reads and checks the header at the start of a whole ``.plic`` file.

    Returns:
        The header, the stated lengths of all sections but the last, the kind of the last, and where the sections begin.

    Raises:
        NotAStream: it is another kind of file, or of a newer format.
        DamagedStream: bytes are missing, changed or too many; names the offset.
    """
    length = _checked_length(data)
    reader = Reader(data, _PRELUDE, length - _CRC16)
    header, sizes, last = _read_fields(reader)
    if reader.left:
        raise damaged("header", reader.position, f"{reader.left} bytes too many")
    return header, sizes, last, length


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


def _further(stream: Stream) -> _Further:
    header, further = stream.header, _Further(0)
    if not float(header.quality).is_integer():
        further |= _Further.FRACTION
    if header.offsets:
        further |= _Further.OFFSETS
    return further


def _checked_length(data: bytes) -> int:
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
    further = _read_further(reader) if _Flag.EXTENDED in flags else _Further(0)
    recipe = reader.identifier("recipe id")
    fingerprint = reader.take(FINGERPRINT_BYTES, "fingerprint")
    width, height = reader.varint("width"), reader.varint("height")
    quality = _read_quality(reader, further)
    coder = reader.identifier("coder id") if _Flag.CODER in flags else ""
    tile = reader.varint("tile size") if _Flag.TILED in flags else 0
    if _Flag.TILED in flags and tile == 0:
        raise damaged("header", reader.position - 1, "the tile size is zero")
    offsets = _read_offsets(reader, 1 if _Flag.GREY in flags else 3) if _Further.OFFSETS in further else ()
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
            offsets=offsets,
        )
    except StreamError as error:
        raise damaged("header", _PRELUDE, error.problem, got=error.got, expected=error.expected) from error
    return header, sizes, kinds[-1]


def _read_further(reader: Reader) -> _Further:
    start = reader.position
    further = reader.varint("further flags")
    if further == 0:
        raise damaged("header", start, "it announces further flags, and has none")
    if unknown := further & ~sum(_Further):
        raise NotAStream(
            "a newer plic made this file: it uses a feature this plic does not know",
            got=f"further flags {unknown:#x}",
            hint="update plic: pip install --upgrade plic",
        )
    return _Further(further)


def _read_quality(reader: Reader, further: _Further) -> float:
    level = reader.byte("quality")
    if _Further.FRACTION not in further:
        return level
    fraction = reader.byte("fraction of the quality")
    if fraction == 0:  # a whole quality is written without it: there is one way to write a thing
        raise damaged("header", reader.position - 1, "the fraction of the quality is zero")
    return level + fraction / QUALITY_STEPS


def _read_offsets(reader: Reader, count: int) -> tuple[int, ...]:
    start = reader.position
    offsets = tuple(reader.signed_varint("colour offset") for _ in range(count))
    if not any(offsets):  # written as no field at all
        raise damaged("header", start, "the colour offsets are all zero")
    return offsets
