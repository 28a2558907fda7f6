"""The .plic file: layout, round trips, damage of every kind, limits."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plic.core.container import (
    Header,
    Limits,
    Section,
    SectionKind,
    Stream,
    describe,
    pack,
    unpack,
)
from plic.core.container.wire import Reader, crc16, crc32, varint
from plic.core.errors import DamagedStream, NotAStream, StreamError, StreamLimit

SIDE, LATENT, ALPHA, ICC = SectionKind.SIDE, SectionKind.LATENT, SectionKind.ALPHA, SectionKind.ICC
PRINT = bytes.fromhex("01234567")
GOLDEN = "706c6963011d10686f7573e5012345678006800404efbeaddee807"
OFFSETS = "706c696301219002686f7573e50123456780068004040e190aefbeaddee807"
FRACTION = "706c6963011f9001686f7573e501234567800680040440efbeaddee807"
LONGEST = 184


def header(**changes: object) -> Header:
    facts: dict[str, object] = {"recipe": "house", "fingerprint": PRINT, "width": 768, "height": 512}
    return Header(**{**facts, **changes})  # type: ignore[arg-type]


def small(**changes: object) -> Stream:
    return Stream(header(width=5, height=3, **changes), (Section(SIDE, b"side"), Section(LATENT, b"latent")))


def full() -> Stream:
    facts = header(width=300, height=2, coder="range", tile=256, grey=True, same_machine=True, quality=7, digest=1)
    sections = tuple(Section(kind, bytes([kind]) * kind) for kind in (ICC, ALPHA, LATENT, SIDE))
    return Stream(facts, sections)


DAMAGED = {"small": small(), "fraction": small(quality=2.5), "offsets": small(offsets=(9, -700, 0)), "full": full()}


def with_crc(head: bytes, body: bytes = b"") -> bytes:
    """Header bytes given the right length and CRC-16, as an adversary would."""
    head = head[:5] + bytes([len(head) + 2]) + head[6:]
    return head + crc16(head).to_bytes(2, "little") + body


IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True)
UINT32 = st.integers(0, 2**32 - 1)
PLAIN_HEADERS = st.builds(
    Header,
    recipe=IDS,
    fingerprint=st.binary(min_size=4, max_size=4),
    width=st.integers(1, 2**32 - 1),
    height=st.integers(1, 2**32 - 1),
    quality=st.integers(0, 255) | st.integers(0, 2**16 - 1).map(lambda steps: steps / 256),
    digest=UINT32,
    coder=st.just("") | IDS,
    grey=st.booleans(),
    same_machine=st.booleans(),
    tile=st.just(0) | UINT32,
)
OFFSET = st.integers(-100, 100) | st.integers(-4080, 4080)
HEADERS = PLAIN_HEADERS | PLAIN_HEADERS.flatmap(
    lambda facts: st.tuples(*[OFFSET] * (1 if facts.grey else 3)).map(lambda offsets: replace(facts, offsets=offsets))
)
PAYLOADS = st.binary(max_size=300)
SECTIONS = st.builds(
    lambda latent, rest: (Section(LATENT, latent), *(Section(kind, data) for kind, data in rest.items())),
    PAYLOADS,
    st.dictionaries(st.sampled_from([SIDE, ALPHA, ICC]), PAYLOADS),
)


@settings(deadline=None)
@given(HEADERS, SECTIONS)
def test_round_trip(facts: Header, sections: tuple[Section, ...]) -> None:
    stream = Stream(facts, sections)
    data = pack(stream)
    assert unpack(data, Limits(max_pixels=2**64, max_side=2**64)) == stream
    description = describe(stream)
    assert description.file_bytes == len(data)
    assert description.header_bytes == data[5] <= LONGEST
    about_the_picture = sum(len(section.payload) for section in sections) + description.offsets_bytes
    assert description.overhead_bytes == len(data) - about_the_picture
    for section in description.sections:
        payload = stream.payload(SectionKind[section.name.upper()])
        assert data[section.offset : section.offset + section.size] == payload


def test_golden_header() -> None:
    sections = (Section(SIDE, bytes(1000)), Section(LATENT, bytes(20000)))
    data = pack(Stream(header(quality=4, digest=0xDEADBEEF), sections))
    assert data[:27].hex() == GOLDEN
    assert data[27:29] == crc16(data[:27]).to_bytes(2, "little") == bytes.fromhex("aa9f")
    assert len(data) - 21000 == 37, "an ordinary picture's overhead is at most 40 bytes"


def test_golden_header_with_a_fraction() -> None:
    sections = (Section(SIDE, bytes(1000)), Section(LATENT, bytes(20000)))
    data = pack(Stream(header(quality=4.25, digest=0xDEADBEEF), sections))
    assert data[:29].hex() == FRACTION
    assert data[29:31] == crc16(data[:29]).to_bytes(2, "little") == bytes.fromhex("1cc8")


def test_golden_header_with_colour_offsets() -> None:
    sections = (Section(SIDE, bytes(1000)), Section(LATENT, bytes(20000)))
    data = pack(Stream(header(quality=4, digest=0xDEADBEEF, offsets=(7, -13, 5)), sections))
    assert data[:31].hex() == OFFSETS
    assert data[31:33] == crc16(data[:31]).to_bytes(2, "little") == bytes.fromhex("d5bc")
    assert describe(unpack(data)).overhead_bytes == 38, "an ordinary picture's overhead is at most 40 bytes"


def test_the_examples_in_the_documentation_are_true() -> None:
    page = Path(__file__).parents[1] / "docs" / "format.md"
    listings = page.read_text(encoding="utf-8").split("```")[1:6:2]
    for listing, expected in zip(listings, (GOLDEN + "aa9f", FRACTION + "1cc8", OFFSETS + "d5bc"), strict=True):
        written = "".join(re.findall(r"^((?:[0-9a-f]{2} {1,2})+) ", listing, re.MULTILINE))
        assert bytes.fromhex(written).hex() == expected


def test_the_longest_header() -> None:
    facts = header(
        **{"recipe": "r" * 64, "coder": "c" * 64, "width": 2**32 - 1, "height": 2**32 - 1, "tile": 2**32 - 1},
        quality=255.5,
        same_machine=True,
        offsets=(-4080, 64, -65),
    )
    stream = Stream(facts, tuple(Section(kind, bytes(2**7)) for kind in SectionKind))
    assert describe(stream).header_bytes == LONGEST - 3 * (5 - 2)  # lengths here take two bytes, at most five


@pytest.mark.parametrize(("quality", "text"), [(3, "3"), (3.0, "3"), (3.25, "3.25"), (7 / 256, "0.027")])
def test_qualities(quality: float, text: str) -> None:
    stream = small(quality=quality)
    data = pack(stream)
    assert (data[6] & 128 > 0) == (quality != int(quality))
    assert repr(unpack(data).header.quality) == (text if quality == int(quality) else repr(quality))
    description = describe(unpack(data))
    assert dict(description.rows())["quality"] == text
    assert json.loads(json.dumps(description.as_dict()))["quality"] == quality
    assert round(float(text) * 256) == quality * 256, "what is printed is the same quality when typed in"


def test_whole_qualities_are_written_as_ever() -> None:
    assert pack(small(quality=5.0)) == pack(small(quality=5))
    assert len(pack(small(quality=5.5))) == len(pack(small(quality=5))) + 2


def test_colour_offsets() -> None:
    assert len(pack(small(offsets=(0, 0, 0)))) == len(pack(small(offsets=()))) == len(pack(small()))
    assert len(pack(small(offsets=(-64, 63, 0)))) == len(pack(small())) + 4, "one byte announces them, three state them"
    assert len(pack(small(offsets=(1, -2, 3), quality=5.5))) == len(pack(small(quality=5.5))) + 3
    assert len(pack(small(offsets=(5,), grey=True))) == len(pack(small(grey=True))) + 2
    stream = small(offsets=(7, -13, 4080))
    assert unpack(pack(stream)) == stream
    description = describe(stream)
    assert description.offsets_bytes == 4
    assert dict(description.rows())["colour offsets"] == "+0.4375 -0.8125 +255 grey levels: 4 bytes of the header"
    assert json.loads(json.dumps(description.as_dict()))["offsets"] == [7, -13, 4080]
    assert "colour offsets" not in dict(describe(small()).rows())


def test_optional_fields_round_trip_in_canonical_order() -> None:
    stream = full()
    assert [section.kind for section in stream.sections] == [SIDE, LATENT, ALPHA, ICC]
    assert unpack(pack(stream)) == stream
    assert stream.payload(ICC) == b"\4\4\4\4"
    assert small().payload(ICC) is None


@pytest.mark.parametrize("stream", DAMAGED.values(), ids=DAMAGED)
def test_every_bit_flip_is_found(stream: Stream) -> None:
    data = pack(stream)
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(StreamError):
            unpack(bytes(changed))


@settings(deadline=None)
@given(HEADERS, SECTIONS, st.data())
def test_any_bit_flip_is_found(facts: Header, sections: tuple[Section, ...], data: st.DataObject) -> None:
    packed = bytearray(pack(Stream(facts, sections)))
    bit = data.draw(st.integers(0, 8 * len(packed) - 1))
    packed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(StreamError):
        unpack(bytes(packed), Limits(max_pixels=2**64, max_side=2**64))


@pytest.mark.parametrize("stream", DAMAGED.values(), ids=DAMAGED)
def test_every_truncation_and_extension_is_found(stream: Stream) -> None:
    data = pack(stream)
    for length in range(len(data)):
        with pytest.raises(NotAStream if length == 0 else DamagedStream):
            unpack(data[:length])
    with pytest.raises(DamagedStream, match="added to"):
        unpack(data + b"\0")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"plic", b"plic\1"]))
def test_random_bytes_raise_only_stream_errors(noise: bytes, start: bytes) -> None:
    with pytest.raises(StreamError):
        unpack(start + noise)


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 255), st.binary(max_size=120), st.binary(max_size=60))
def test_hostile_headers_with_right_checksums(flags: int, fields: bytes, body: bytes) -> None:
    data = with_crc(b"plic\1\0" + bytes([flags]) + fields, body)
    try:
        stream = unpack(data)
    except StreamError:
        return
    assert pack(stream) == data, "what is accepted has one spelling only"


def test_damage_names_section_and_offset() -> None:
    data = bytearray(pack(small()))
    data[-5] ^= 1  # the last byte of the latent's payload
    with pytest.raises(DamagedStream, match=r"latent at byte \d+: its checksum is wrong"):
        unpack(bytes(data))
    with pytest.raises(DamagedStream, match=r"latent at byte \d+: its checksum is wrong, or the file was cut off"):
        unpack(bytes(data[:-6]))


@pytest.mark.parametrize(
    ("data", "seems"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\xff\xd8\xff\xe0", "a JPEG picture"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a WebP picture"),
        (b"\0\0\0\x20ftypavif", "an AVIF or HEIC picture"),
        (b"\0\0\0\x20ftypisom", "an MP4-like file"),
        (b"hello there\n", "text beginning 'hello there"),
        (b"\x00\x01\x02", "unknown bytes beginning 00 01 02"),
    ],
)
def test_other_files_are_named(data: bytes, seems: str) -> None:
    with pytest.raises(NotAStream) as caught:
        unpack(data)
    assert seems in str(caught.value)


def test_newer_formats_are_named() -> None:
    data = bytearray(pack(small()))
    data[4] = 2
    with pytest.raises(NotAStream, match="a newer plic made this file"):
        unpack(bytes(data))
    data[4] = 0
    with pytest.raises(NotAStream, match="unknown"):
        unpack(bytes(data))


@pytest.mark.parametrize(
    ("further", "error", "message"),
    [
        ("04", NotAStream, r"a newer plic made this file(?s:.*)further flags 0x4"),
        ("07", NotAStream, r"further flags 0x4"),
        ("8101", NotAStream, r"further flags 0x80"),
        ("ffffffff0f", NotAStream, r"further flags 0xfffffffc"),
        ("00", DamagedStream, "at byte 7: it announces further flags, and has none"),
        ("8100", DamagedStream, "not a shortest-form number"),
        ("8080808010", DamagedStream, "not a shortest-form number"),
    ],
)
def test_further_flags(further: str, error: type[StreamError], message: str) -> None:
    head = bytes.fromhex(FRACTION)
    with pytest.raises(error, match=message):
        unpack(with_crc(head[:7] + bytes.fromhex(further) + head[8:]))


def test_a_fraction_of_zero_is_refused() -> None:
    head = bytes.fromhex(FRACTION)
    at = head.index(b"\x04\x40") + 1
    with pytest.raises(DamagedStream, match=f"at byte {at}: the fraction of the quality is zero"):
        unpack(with_crc(head[:at] + b"\0" + head[at + 1 :]))
    with pytest.raises(DamagedStream, match="no room for the fraction of the quality"):
        unpack(with_crc(head[:at]))


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ("000000", "the colour offsets are all zero"),
        ("800000", "the colour offset is not a shortest-form number"),
        ("e13f0000", r"the colour offset does not fit(?s:.*)-4081(?s:.*)-4080 to 4080"),
        ("e23f0000", r"the colour offset does not fit(?s:.*)4081"),
        ("ffffffff0f0000", "the colour offset does not fit"),
        ("0202", "header at byte"),
    ],
)
def test_impossible_colour_offsets(offsets: str, message: str) -> None:
    head = bytes.fromhex(OFFSETS)
    at = head.index(bytes.fromhex("0e190a"))
    with pytest.raises(DamagedStream, match=message):
        unpack(with_crc(head[:at] + bytes.fromhex(offsets) + head[at + 3 :]))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=6), st.integers(0, 255), st.integers(0, 255))
@example(b"\x010", 0, 1)
def test_hostile_fractions_with_right_checksums(further: bytes, level: int, fraction: int) -> None:
    head = bytes.fromhex(FRACTION)
    at = head.index(b"\x04\x40")
    body = b"".join(part + crc32(part).to_bytes(4, "little") for part in (bytes(1000), b"latent"))
    data = with_crc(head[:7] + further + head[8:at] + bytes([level, fraction]) + head[at + 2 :], body)
    try:
        stream = unpack(data)
    except StreamError:
        return
    assert pack(stream) == data, "what is accepted has one spelling only"
    assert (further[:1], fraction > 0) == (b"\1", True)
    assert stream.header.recipe.encode() == further[1:] + b"house", "what follows the flags is the recipe's name"


def test_limits_name_figure_limit_and_way_out() -> None:
    data = pack(Stream(header(width=60000, height=60000), (Section(LATENT, b""),)))
    with pytest.raises(StreamLimit) as caught:
        unpack(data)
    for part in ("60000x60000 = 3600000000 pixels", f"at most {2**27}", "higher plic.core.container.Limits"):
        assert part in str(caught.value)
    assert unpack(data, Limits(max_pixels=3600000000)).header.width == 60000
    profile = pack(Stream(header(), (Section(LATENT, b""), Section(ICC, bytes(11)))))
    with pytest.raises(StreamLimit, match="profile"):
        unpack(profile, Limits(max_metadata=10))


@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": ""},
        {"recipe": "House"},
        {"recipe": "-a"},
        {"recipe": "a" * 65},
        {"recipe": "haüs"},
        {"recipe": "house\n"},
        {"coder": "a b"},
        {"fingerprint": b"123"},
        {"width": 0},
        {"height": 2**32},
        {"quality": 256},
        {"quality": -1 / 256},
        {"quality": 256 - 1 / 512},
        {"quality": 1 / 3},
        {"quality": float("nan")},
        {"quality": float("inf")},
        {"digest": -1},
        {"tile": -1},
        {"offsets": (1,)},
        {"offsets": (1, 2, 3), "grey": True},
        {"offsets": (0, 0, 4081)},
        {"offsets": (-4081, 0, 0)},
        {"version": 2},
    ],
    ids=repr,
)
def test_headers_are_checked_when_made(changes: dict[str, object]) -> None:
    with pytest.raises(StreamError, match="does not fit"):
        header(**changes)


def test_streams_are_checked_when_made() -> None:
    with pytest.raises(StreamError, match="a latent section"):
        Stream(header(), (Section(SIDE, b""),))
    with pytest.raises(StreamError, match="at most once"):
        Stream(header(), (Section(LATENT, b""), Section(LATENT, b"")))


@given(UINT32)
def test_varints_are_canonical(value: int) -> None:
    data = varint(value)
    assert Reader(data, 0, len(data)).varint("number") == value
    longer = data[:-1] + bytes([data[-1] | 128, 0])
    with pytest.raises(DamagedStream):
        Reader(longer, 0, len(longer)).varint("number")


@pytest.mark.parametrize("data", [b"\x80\x80\x80\x80\x10", b"\xff" * 6, b"\x80"], ids=["2^32", "endless", "cut"])
def test_varints_are_bounded(data: bytes) -> None:
    with pytest.raises(DamagedStream):
        Reader(data, 0, len(data)).varint("number")


def test_description_for_people_and_machines() -> None:
    description = describe(full())
    facts = json.loads(json.dumps(description.as_dict()))
    assert facts["fingerprint"] == PRINT.hex()
    assert facts["coder"] == "range"
    assert [section["name"] for section in facts["sections"]] == ["side", "latent", "alpha", "icc"]
    assert facts["bits_per_pixel"] == pytest.approx(8 * description.file_bytes / 600)
    rows = dict(description.rows())
    assert rows["picture"] == "300 x 2, greyscale"
    assert rows["decodes on"] == "the machine that made it only"
    assert "CRC-32" in rows["latent"]


def test_inspecting_needs_no_torch() -> None:
    code = "import sys, plic.core.container, plic.core.image; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
