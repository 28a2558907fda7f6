"""What a ``.plic`` file says, as plain frozen dataclasses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from ..errors import StreamError

FORMAT_VERSION = 1
FINGERPRINT_BYTES = 4
UINT32_MAX = 2**32 - 1
QUALITY_STEPS = 256
"""Qualities lie on a grid of so many steps from one level to the next."""
OFFSET_STEPS = 16
"""Colour offsets lie on a grid of so many steps to a grey level of 8 bits."""
OFFSET_LIMIT = 255 * OFFSET_STEPS
"""The largest colour offset: from black to white."""
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)


class SectionKind(IntEnum):
    """What a section holds. Sections lie in the file in ascending order of this number."""

    SIDE = 1
    """The coded symbols of the side latent ``z``."""
    LATENT = 2
    """The coded symbols of the latent ``y``; the one section that every stream has."""
    ALPHA = 3
    """The alpha plane, lossless; see :func:`plic.core.image.encode_plane`."""
    ICC = 4
    """The ICC colour profile; see :func:`plic.core.image.encode_profile`."""

    @property
    def label(self) -> str:
        """The section's name in messages: ``side``, ``latent``, ``alpha``, ``icc``."""
        return self.name.lower()


@dataclass(frozen=True)
class Section:
    """One section: its kind and its bytes (any number, also none)."""

    kind: SectionKind
    payload: bytes


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a stream declares about itself.

    Args:
        recipe: id of the recipe that made it, ``[a-z0-9][a-z0-9-]{0,63}``.
        fingerprint: the 4 leading bytes of the SHA-256 of the frozen weights.
        width: columns of the picture in pixels, 1 to 2^32 - 1.
        height: rows of the picture in pixels, 1 to 2^32 - 1.
        quality: a level, 0 to 255, or a point between two in steps of 1/256; what it means is the recipe's affair.
            Kept as int where it is whole.
        digest: CRC-32 of the decoded symbols, 0 to 2^32 - 1: the decoder's proof that it decoded the right ones.
        coder: id of the entropy coder; empty means the recipe's own.
        grey: the picture was greyscale and is to be given back as such.
        same_machine: the stream may only be decoded on the machine that made it (a part was not exact).
        tile: side of the square tiles in pixels; 0 means untiled.
        offsets: what the decoder adds to the reconstruction before it clips and rounds, in 1/16 of a grey level of 8
            bits (1/4080 of the range), up to 4080 either way: one number for red, green and blue each, or a single one
            for all three of a greyscale picture. Empty means nothing; zeros alone become empty.
        version: version of the format; this plic knows only 1.

    Raises:
        StreamError: a value is out of its range.
    """

    recipe: str
    fingerprint: bytes
    width: int
    height: int
    quality: float = 0
    digest: int = 0
    coder: str = ""
    grey: bool = False
    same_machine: bool = False
    tile: int = 0
    offsets: tuple[int, ...] = ()
    version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        _check("recipe id", self.recipe, bool(_IDENTIFIER.fullmatch(self.recipe)), f"it to match {_IDENTIFIER.pattern}")
        known_coder = not self.coder or bool(_IDENTIFIER.fullmatch(self.coder))
        _check("coder id", self.coder, known_coder, f"nothing, or it to match {_IDENTIFIER.pattern}")
        length = len(self.fingerprint)
        _check("fingerprint", f"{length} bytes", length == FINGERPRINT_BYTES, f"{FINGERPRINT_BYTES} bytes")
        _check_range("version", self.version, FORMAT_VERSION, FORMAT_VERSION)
        _check_range("width", self.width, 1, UINT32_MAX)
        _check_range("height", self.height, 1, UINT32_MAX)
        on_grid = 0 <= self.quality < 256 and float(self.quality * QUALITY_STEPS).is_integer()
        _check("quality", self.quality, on_grid, f"0 to below 256 in steps of 1/{QUALITY_STEPS}")
        _check_range("digest", self.digest, 0, UINT32_MAX)
        _check_range("tile", self.tile, 0, UINT32_MAX)
        object.__setattr__(self, "quality", whole_or_not(self.quality))
        self._check_offsets()

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    def _check_offsets(self) -> None:
        count = 1 if self.grey else 3
        expected = f"none or {count} in {'grey' if self.grey else 'colour'}"
        _check("number of colour offsets", len(self.offsets), len(self.offsets) in (0, count), expected)
        for offset in self.offsets:
            _check_range("colour offset", offset, -OFFSET_LIMIT, OFFSET_LIMIT)
        object.__setattr__(self, "offsets", tuple(self.offsets) if any(self.offsets) else ())


@dataclass(frozen=True)
class Stream:
    """A whole ``.plic`` file: the header and its sections, kept in ascending order of their kinds.

    Raises:
        StreamError: a kind occurs twice, or there is no LATENT section.
    """

    header: Header
    sections: tuple[Section, ...]

    def __post_init__(self) -> None:
        kinds = sorted(section.kind for section in self.sections)
        names = ", ".join(kind.label for kind in kinds) or "none"
        _check("set of sections", names, len(set(kinds)) == len(kinds), "each kind at most once")
        _check("set of sections", names, SectionKind.LATENT in kinds, "a latent section")
        object.__setattr__(self, "sections", tuple(sorted(self.sections, key=lambda section: section.kind)))

    def payload(self, kind: SectionKind) -> bytes | None:
        """The bytes of the section of this kind, or None when the stream has none."""
        return next((section.payload for section in self.sections if section.kind == kind), None)


@dataclass(frozen=True)
class Limits:
    """What a stream may declare at most; the decoder checks this before it allocates anything.

    Args:
        max_pixels: width times height, in pixels.
        max_side: the longer of the two; networks work on whole blocks of pixels, so a thin picture costs more than its
            pixels say.
        max_metadata: size of the ICC profile in bytes, as stored and as unpacked.
    """

    max_pixels: int = 2**27
    max_side: int = 2**17
    max_metadata: int = 2**24


def whole_or_not(quality: float) -> float:
    """The same number, as int where it is whole: so it prints as one, and indexes levels."""
    return int(quality) if quality == int(quality) else quality


def quality_text(quality: float) -> str:
    """A quality for people: three decimals tell all steps apart, and give the same step when typed in again."""
    return f"{round(quality, 3):g}"


def _check(what: str, got: object, right: bool, expected: str) -> None:
    if not right:
        raise StreamError(f"the {what} does not fit a .plic file", got=repr(got), expected=expected)


def _check_range(what: str, got: int, low: int, high: int) -> None:
    _check(what, got, low <= got <= high, f"{low}" if low == high else f"{low} to {high}")
