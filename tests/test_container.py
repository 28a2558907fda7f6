"""The .plic file: layout, round trips, damage of every kind, limits."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
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
from plic.core.container.wire import Reader, crc16, varint
from plic.core.errors import DamagedStream, NotAStream, StreamError, StreamLimit

SIDE, LATENT, ALPHA, ICC = SectionKind.SIDE, SectionKind.LATENT, SectionKind.ALPHA, SectionKind.ICC
PRINT = bytes.fromhex("01234567")
GOLDEN = "706c6963011d10686f7573e5012345678006800404efbeaddee807"


def header(**changes: object) -> Header:
    facts: dict[str, object] = {"recipe": "house", "fingerprint": PRINT, "width": 768, "height": 512}
    return Header(**{**facts, **changes})  # type: ignore[arg-type]


def small(**changes: object) -> Stream:
    return Stream(header(width=5, height=3, **changes), (Section(SIDE, b"side"), Section(LATENT, b"latent")))


def full() -> Stream:
    facts = header(width=300, height=2, coder="range", tile=256, grey=True, same_machine=True, quality=7, digest=1)
    sections = tuple(Section(kind, bytes([kind]) * kind) for kind in (ICC, ALPHA, LATENT, SIDE))
    return Stream(facts, sections)


def with_crc(head: bytes, body: bytes = b"") -> bytes:
    """Header bytes given the right length and CRC-16, as an adversary would."""
    head = head[:5] + bytes([len(head) + 2]) + head[6:]
    return head + crc16(head).to_bytes(2, "little") + body


IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True)
UINT32 = st.integers(0, 2**32 - 1)
HEADERS = st.builds(
    Header,
    recipe=IDS,
    fingerprint=st.binary(min_size=4, max_size=4),
    width=st.integers(1, 2**32 - 1),
    height=st.integers(1, 2**32 - 1),
    quality=st.integers(0, 255),
    digest=UINT32,
    coder=st.just("") | IDS,
    grey=st.booleans(),
    same_machine=st.booleans(),
    tile=st.just(0) | UINT32,
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
    assert description.header_bytes == data[5] <= 181
    assert description.overhead_bytes == len(data) - sum(len(section.payload) for section in sections)
    for section in description.sections:
        payload = stream.payload(SectionKind[section.name.upper()])
        assert data[section.offset : section.offset + section.size] == payload


def test_golden_header() -> None:
    sections = (Section(SIDE, bytes(1000)), Section(LATENT, bytes(20000)))
    data = pack(Stream(header(quality=4, digest=0xDEADBEEF), sections))
    assert data[:27].hex() == GOLDEN
    assert data[27:29] == crc16(data[:27]).to_bytes(2, "little") == bytes.fromhex("aa9f")
    assert len(data) - 21000 == 37, "an ordinary picture's overhead is at most 40 bytes"


def test_the_example_in_the_documentation_is_true() -> None:
    page = Path(__file__).parents[1] / "docs" / "format.md"
    example = page.read_text(encoding="utf-8").split("```")[1]
    written = "".join(re.findall(r"^((?:[0-9a-f]{2} {1,2})+) ", example, re.MULTILINE))
    assert bytes.fromhex(written).hex() == GOLDEN + "aa9f"


def test_optional_fields_round_trip_in_canonical_order() -> None:
    stream = full()
    assert [section.kind for section in stream.sections] == [SIDE, LATENT, ALPHA, ICC]
    assert unpack(pack(stream)) == stream
    assert stream.payload(ICC) == b"\4\4\4\4"
    assert small().payload(ICC) is None


@pytest.mark.parametrize("stream", [small(), full()], ids=["small", "full"])
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


@pytest.mark.parametrize("stream", [small(), full()], ids=["small", "full"])
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
    head = pack(small())[:-18]
    flagged = with_crc(head[:6] + bytes([head[6] | 128]) + head[7:-2])
    with pytest.raises(NotAStream, match="a newer plic"):
        unpack(flagged)


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
        {"digest": -1},
        {"tile": -1},
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
