"""Alpha planes and colour profiles as streams carry them: without loss, and refused where damaged."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from sample_pictures import ALPHA, COLOUR, SRGB, png

from plic.core.errors import DamagedStream, ImageError, StreamError, StreamLimit
from plic.core.image import (
    decode_plane,
    decode_profile,
    encode_plane,
    encode_profile,
)


@settings(deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_alpha_plane_is_lossless(alpha: np.ndarray) -> None:
    assert (decode_plane(encode_plane(alpha), alpha.shape[1], alpha.shape[0]) == alpha).all()


def test_alpha_plane_without_webp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.features.check", lambda feature: False)
    data = encode_plane(ALPHA)
    assert data.startswith(b"\x89PNG")
    assert (decode_plane(data, 7, 5) == ALPHA).all()
    for bad in (ALPHA.astype(np.int32), ALPHA[0], ALPHA[:0]):
        with pytest.raises(ImageError):
            encode_plane(bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("with_webp", [True, False])
def test_hostile_alpha_planes(with_webp: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.features.check", lambda feature: with_webp)
    data = encode_plane(ALPHA)
    for width, height in ((5, 7), (7, 6), (1, 1)):
        with pytest.raises(DamagedStream, match="alpha"):
            decode_plane(data, width, height)
    for length in range(len(data) - 20):
        with pytest.raises(DamagedStream, match="alpha"):
            decode_plane(data[:length], 7, 5)
    for where in range(len(data)):
        changed = bytearray(data)
        changed[where] ^= 0x55
        with contextlib.suppress(StreamError):
            assert decode_plane(bytes(changed), 7, 5).shape == (5, 7)


def test_alpha_plane_accepts_only_its_two_formats() -> None:
    image = Image.fromarray(COLOUR)
    for form, options in (("PNG", {}), ("JPEG", {}), ("BMP", {}), ("WEBP", {"quality": 50})):
        buffer = io.BytesIO()
        image.save(buffer, form, **options)
        with pytest.raises(DamagedStream, match="alpha"):
            decode_plane(buffer.getvalue(), 7, 5)


def test_alpha_plane_with_two_headers() -> None:
    head = struct.pack(">IIBBBBB", 9, 9, 8, 0, 0, 0, 0)
    second = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    data = png(7, 5, 8, 0, bytes(40))
    with pytest.raises(DamagedStream, match="two different sizes"):
        decode_plane(data[:33] + second + data[33:], 7, 5)


def test_alpha_plane_bomb_stops_at_the_declared_size() -> None:
    bomb = png(60000, 60000, 8, 0, b"")
    with pytest.raises(DamagedStream, match="size is not the picture's"):
        decode_plane(bomb, 7, 5)
    with pytest.raises(StreamLimit, match="Pillow"):
        decode_plane(bomb, 60000, 60000)


@given(st.binary(max_size=2000))
def test_profile_is_lossless(icc: bytes) -> None:
    assert decode_profile(encode_profile(icc)) == icc


def test_hostile_profiles() -> None:
    data = encode_profile(SRGB)
    for length in range(len(data)):
        with pytest.raises(DamagedStream, match="icc"):
            decode_profile(data[:length])
    for damaged in (data + b"\0", b"no zlib", data[:-1] + bytes([data[-1] ^ 1])):
        with pytest.raises(DamagedStream, match="icc"):
            decode_profile(damaged)
    with pytest.raises(StreamLimit, match="ICC"):
        decode_profile(zlib.compress(bytes(10**6)), 1000)
    assert decode_profile(zlib.compress(bytes(1000)), 1000) == bytes(1000)
    with pytest.raises(ImageError, match="too long"):
        encode_profile(bytes(2**24 + 1))
