"""Damaged and hostile streams: a clear error at decoding, never a picture, a crash or a hang."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small import photograph, small_codec, small_frozen

from plic.core.coding.payload import Payload
from plic.core.container import Header, Section, SectionKind, Stream, pack, unpack
from plic.core.container.wire import varint
from plic.core.errors import DamagedStream, PluginError, StreamError, StreamLimit, StreamMismatch
from plic.core.frozen import FrozenCodec
from plic.core.probability import Support
from plic.core.registry import default_registry

SIDE, LATENT, ALPHA, ICC = SectionKind.SIDE, SectionKind.LATENT, SectionKind.ALPHA, SectionKind.ICC


@pytest.fixture(scope="module")
def codec() -> FrozenCodec:
    return small_frozen("house")


@pytest.fixture(scope="module")
def data(codec: FrozenCodec) -> bytes:
    """A small real stream: 57 bytes for one site of the latent."""
    return codec.encode(photograph(16, 16), quality=0)


@pytest.fixture(scope="module")
def wild() -> FrozenCodec:
    """A codec whose symbols fill the int32 range, so that windows are open and symbols escape."""
    codec = small_codec("house")
    with torch.no_grad():
        dict(codec.rate.named_parameters())["log_gain"].add_(20)
    return codec.eval().freeze()


def with_payload(data: bytes, kind: SectionKind, payload: bytes | None) -> bytes:
    """The stream with another payload (or none) in one section, and all checksums right."""
    stream = unpack(data)
    others = tuple(section for section in stream.sections if section.kind is not kind)
    return pack(Stream(stream.header, others if payload is None else (*others, Section(kind, payload))))


def with_header(data: bytes, **changes: Any) -> bytes:
    """The stream with other fields in its header, and all checksums right."""
    stream = unpack(data)
    return pack(Stream(replace(stream.header, **changes), stream.sections))


def payload_of(data: bytes, kind: SectionKind) -> bytes:
    payload = unpack(data).payload(kind)
    assert payload is not None
    return payload


def flips(data: bytes) -> Iterator[bytes]:
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)


def alterations(data: bytes) -> Iterator[bytes]:
    """Every other value of every byte."""
    for at, old in enumerate(data):
        for value in set(range(256)) - {old}:
            yield data[:at] + bytes([value]) + data[at + 1 :]


def survivors(codec: FrozenCodec, streams: Iterator[bytes]) -> list[bytes]:
    """The streams that are decoded to a picture; anything but a StreamError goes up."""
    decoded = []
    for stream in streams:
        try:
            codec.decode(stream)
        except StreamError:
            continue
        decoded.append(stream)
    return decoded


# --- damage in the file ---------------------------------------------------------------------------------------------


def test_every_bit_flip_truncation_and_extension(codec: FrozenCodec) -> None:
    picture = photograph(24, 20).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture.info["icc_profile"] = bytes(range(40))
    data = codec.encode(picture, quality=0)
    assert {section.kind for section in unpack(data).sections} == {SIDE, LATENT, ALPHA, ICC}
    assert survivors(codec, flips(data)) == []
    assert survivors(codec, (data[:length] for length in range(len(data)))) == []
    assert survivors(codec, (data + tail for tail in (b"\0", b"\xff", data[-1:], bytes(100), data))) == []
    codec.decode(data)


# --- damage behind right checksums ----------------------------------------------------------------------------------


def test_altered_bytes_of_the_latent(codec: FrozenCodec, data: bytes) -> None:
    payload = payload_of(data, LATENT)
    assert survivors(codec, (with_payload(data, LATENT, altered) for altered in alterations(payload))) == []


def test_altered_bytes_of_the_side_information(codec: FrozenCodec, data: bytes) -> None:
    payload = payload_of(data, SIDE)
    assert survivors(codec, (with_payload(data, SIDE, altered) for altered in alterations(payload))) == []


@pytest.mark.parametrize("kind", [SIDE, LATENT])
@pytest.mark.parametrize("coder", ["range", "torchac", "constriction"])
def test_cut_and_lengthened_payloads(codec: FrozenCodec, coder: str, kind: SectionKind) -> None:
    data = coded_by(coder, codec, quality=3)
    payload = payload_of(data, kind)
    cut = [payload[:length] for length in range(len(payload))]
    longer = [payload + tail for tail in (b"\0", b"\xff", bytes(4), bytes(64))]
    assert survivors(codec, (with_payload(data, kind, changed) for changed in (*cut, *longer))) == []


@pytest.mark.parametrize("coder", ["range", "torchac", "constriction"])
def test_flipped_bits_of_symbols_and_escapes(wild: FrozenCodec, coder: str) -> None:
    data = coded_by(coder, wild)
    payload = payload_of(data, LATENT)
    parsed = Payload.unpack(payload, "latent")
    assert parsed.support.open
    assert len(parsed.excesses) > 5
    flipped = [*flips(payload[:20]), *flips(payload)][:: 1 if coder == "range" else 5]
    assert survivors(wild, (with_payload(data, LATENT, changed) for changed in flipped)) == []


@pytest.mark.parametrize("recipe", ["minnen2018", "zhang2022-baseline"])
def test_flipped_bits_in_many_steps(recipe: str) -> None:
    codec = small_frozen(recipe)
    data = codec.encode(photograph(40, 24))
    payload = payload_of(data, LATENT)
    assert survivors(codec, (with_payload(data, LATENT, f) for f in list(flips(payload))[::7])) == []


def test_a_wrong_digest(codec: FrozenCodec, data: bytes) -> None:
    with pytest.raises(StreamMismatch, match="not those that were encoded"):
        codec.decode(with_header(data, digest=unpack(data).header.digest ^ 1))


def test_altered_alpha_and_profile_do_not_crash(codec: FrozenCodec) -> None:
    picture = photograph(20, 12).convert("RGBA")
    picture.putalpha(Image.radial_gradient("L").resize(picture.size))
    picture.info["icc_profile"] = bytes(range(40))
    data = codec.encode(picture, quality=0)
    for kind in (ALPHA, ICC):
        for changed in list(flips(payload_of(data, kind)))[::5]:
            survivors(codec, iter([with_payload(data, kind, changed)]))
        assert survivors(codec, iter([with_payload(data, kind, b"")])) == []


def coded_by(coder: str, codec: FrozenCodec, quality: int | None = None) -> bytes:
    try:
        default_registry().part("coder", coder)().encoder()
    except PluginError as error:
        pytest.skip(error.problem)
    return codec.encode(photograph(16, 16), quality=quality, coder=coder)


# --- hostile headers ------------------------------------------------------------------------------------------------


def test_a_header_that_declares_too_much(codec: FrozenCodec, data: bytes) -> None:
    with pytest.raises(StreamLimit, match="larger than the limit") as caught:
        codec.decode(with_header(data, width=60000, height=60000))
    assert "60000x60000 = 3600000000 pixels" in str(caught.value)


@pytest.mark.parametrize("size", [(17, 16), (1, 2**17), (2**17, 1), (11000, 11000)])
def test_a_header_of_another_size(codec: FrozenCodec, data: bytes, size: tuple[int, int]) -> None:
    width, height = size
    with pytest.raises(DamagedStream):
        codec.decode(with_header(data, width=width, height=height))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quality": 255}, "a quality that these weights do not have"),
        ({"quality": 8}, "a quality that these weights do not have"),
        ({"recipe": "other"}, "made with other weights"),
        ({"fingerprint": bytes(4)}, "made with other weights"),
        ({"coder": "nothing"}, "the coder 'nothing', which is not installed"),
        ({"coder": "constriction"}, "coded data"),
    ],
    ids=str,
)
def test_a_header_of_another_codec(codec: FrozenCodec, data: bytes, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StreamError, match=message):
        codec.decode(with_header(data, **changes))


@pytest.mark.parametrize("field", ["tile", "same_machine"])
def test_fields_that_nothing_reads(codec: FrozenCodec, data: bytes, field: str) -> None:
    with pytest.raises(StreamError):
        codec.decode(with_header(data, **{field: 1}))


def test_a_section_that_nothing_reads() -> None:
    codec = small_frozen("zhang2022-baseline")
    with pytest.raises(StreamError):
        codec.decode(with_payload(codec.encode(photograph(16, 16)), SIDE, b"x"))


@pytest.mark.parametrize("kind", [SIDE, LATENT])
def test_empty_sections(codec: FrozenCodec, data: bytes, kind: SectionKind) -> None:
    with pytest.raises(DamagedStream, match=kind.label):
        codec.decode(with_payload(data, kind, b""))


def test_missing_side_section(codec: FrozenCodec, data: bytes) -> None:
    with pytest.raises(DamagedStream):
        codec.decode(with_payload(data, SIDE, None))


# --- hostile payloads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [100, 2**31, 2**32 - 1])
@pytest.mark.parametrize("kind", [SIDE, LATENT])
def test_more_excesses_than_bytes(codec: FrozenCodec, data: bytes, kind: SectionKind, count: int) -> None:
    with pytest.raises(DamagedStream, match="more escapes than it has bytes"):
        codec.decode(with_payload(data, kind, varint(0) + varint(3) + varint(count) + bytes(20)))


@pytest.mark.parametrize("excesses", [[1], [0] * 30, [2**32 - 1] * 30])
def test_excesses_that_do_not_fit(codec: FrozenCodec, data: bytes, excesses: list[int]) -> None:
    old = Payload.unpack(payload_of(data, LATENT), "latent")
    for support in (old.support, Support(-1, 1, open=True)):
        hostile = replace(old, support=support, excesses=np.array(excesses, dtype=np.uint32))
        with pytest.raises(StreamError):
            codec.decode(with_payload(data, LATENT, hostile.pack()))


WINDOWS = {
    "whole int32": varint(2**32 - 1) + varint(2**32 - 1),  # the widest that its two fields can say
    "past int32": varint(2**32 - 2) + varint(2**32 - 1),
    "2^30": varint(2**30 - 1) + varint(2**31 - 1),
    "2^20": varint(2**20 - 1) + varint(2**21 - 1),
    "open, one symbol": varint(0) + varint(1),
}


@pytest.mark.parametrize("coder", ["range", "torchac", "constriction"])
@pytest.mark.parametrize("window", WINDOWS)
def test_hostile_windows(codec: FrozenCodec, window: str, coder: str) -> None:
    data = coded_by(coder, codec)
    body = Payload.unpack(payload_of(data, LATENT), "latent").data
    with pytest.raises(StreamError):
        codec.decode(with_payload(data, LATENT, WINDOWS[window] + varint(0) + body))


def test_a_stream_of_nothing(codec: FrozenCodec) -> None:
    header = Header(recipe="house", fingerprint=codec.fingerprint, width=1, height=1)
    with pytest.raises(DamagedStream):
        codec.decode(pack(Stream(header, (Section(LATENT, b""),))))
