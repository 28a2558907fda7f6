"""The ``.plic`` file: what a stream says, how it is laid out in bytes, and how to read it safely.

    Stream = Header + sections ── pack ──> bytes ── unpack(limits) ──> Stream ── describe ──> what `plic inspect` prints

The byte layout is specified in ``docs/format.md``. Nothing here imports torch or needs trained weights.
"""

from .describe import Description, SectionFacts, describe
from .packing import pack, unpack
from .stream import FORMAT_VERSION, OFFSET_LIMIT, OFFSET_STEPS, Header, Limits, Section, SectionKind, Stream

__all__ = [
    "FORMAT_VERSION",
    "OFFSET_LIMIT",
    "OFFSET_STEPS",
    "Description",
    "Header",
    "Limits",
    "Section",
    "SectionFacts",
    "SectionKind",
    "Stream",
    "describe",
    "pack",
    "unpack",
]
