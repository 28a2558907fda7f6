"""What ``plic inspect`` prints: everything a stream says about itself, without weights and without torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from .header import pack_header, pack_offsets
from .stream import OFFSET_STEPS, Header, Stream, quality_text
from .wire import crc32

_CRC32 = 4


@dataclass(frozen=True)
class SectionFacts:
    """One section: its name, where its payload starts in the file, its size in bytes, its CRC-32 in hexadecimal."""

    name: str
    offset: int
    size: int
    crc32: str


@dataclass(frozen=True)
class Description:
    """Everything a stream says about itself.

    Args:
        header: the header's fields.
        sections: the sections in the order of the file.
        file_bytes: size of the whole file.
        header_bytes: size of the header, from the magic to its CRC-16.
        offsets_bytes: size of the colour offsets in the header.
        overhead_bytes: size of all that does not describe the picture: the header without colour offsets, and the
            sections' CRC-32.
        bits_per_pixel: 8 times ``file_bytes`` over width times height.
    """

    header: Header
    sections: tuple[SectionFacts, ...]
    file_bytes: int
    header_bytes: int
    offsets_bytes: int
    overhead_bytes: int
    bits_per_pixel: float

    def as_dict(self) -> dict[str, object]:
        """The same as values that JSON knows; bytes and checksums in hexadecimal."""
        facts = asdict(self)
        header = facts.pop("header")
        header["fingerprint"] = self.header.fingerprint.hex()
        header["digest"] = f"{self.header.digest:08x}"
        facts["sections"] = list(facts["sections"])
        return {**header, **facts}

    def rows(self) -> list[tuple[str, str]]:
        """The same as (name, value) pairs for people."""
        header, with_checksums = self.header, self.overhead_bytes + self.offsets_bytes
        rows = [
            ("format", str(header.version)),
            ("recipe", header.recipe),
            ("weights", f"{header.fingerprint.hex()} (start of the SHA-256)"),
            ("picture", f"{header.width} x {header.height}, {'greyscale' if header.grey else 'colour'}"),
            ("quality", quality_text(header.quality)),
            ("coder", header.coder or "the recipe's own"),
            ("decodes on", "the machine that made it only" if header.same_machine else "any machine"),
            ("tiles", f"{header.tile} x {header.tile}" if header.tile else "none"),
            ("digest", f"{header.digest:08x}"),
            ("file", f"{self.file_bytes} bytes, {self.bits_per_pixel:.4f} bits per pixel"),
            ("header", f"{self.header_bytes} bytes ({with_checksums} with the sections' checksums)"),
        ]
        if header.offsets:
            rows.append(("colour offsets", f"{_levels(header.offsets)}: {self.offsets_bytes} bytes of the header"))
        rows += [(s.name, f"{s.size} bytes at {s.offset}, CRC-32 {s.crc32}") for s in self.sections]
        return rows


def _levels(offsets: tuple[int, ...]) -> str:
    return f"{' '.join(f'{offset / OFFSET_STEPS:+g}' for offset in offsets)} grey levels"


def describe(stream: Stream) -> Description:
    """Everything ``stream`` says about itself, and where it lies in the file that ``pack`` writes."""
    header_bytes = offset = len(pack_header(stream))
    offsets_bytes = len(pack_offsets(stream.header))
    facts = []
    for section in stream.sections:
        size = len(section.payload)
        facts.append(SectionFacts(section.kind.label, offset, size, f"{crc32(section.payload):08x}"))
        offset += size + _CRC32
    return Description(
        header=stream.header,
        sections=tuple(facts),
        file_bytes=offset,
        header_bytes=header_bytes,
        offsets_bytes=offsets_bytes,
        overhead_bytes=header_bytes - offsets_bytes + _CRC32 * len(facts),
        bits_per_pixel=8 * offset / stream.header.pixels,
    )
