"""Pictures: every mode in and out, padding, alpha and ICC without loss, files written whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import tempfile
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageCms

from plic.core.errors import DamagedStream, FileError, ImageError, StreamError, StreamLimit, WeightsError
from plic.core.files import read_file, write_atomically
from plic.core.image import (
    FrameWarning,
    Picture,
    PictureWarning,
    PrecisionWarning,
    crop,
    decode_plane,
    decode_profile,
    encode_plane,
    encode_profile,
    from_tensor,
    pad,
    padded_size,
    read_picture,
    to_pil,
    to_tensor,
    write_picture,
)

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RNG = np.random.default_rng(7)
COLOUR = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (5, 7), dtype=np.uint8)


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, key: bytes = b"") -> bytes:
    """A PNG of any bit depth, written by hand: Pillow cannot write most of those with 16 bits."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    middle = chunk(b"tRNS", key) if key else b""
    chunks = chunk(b"IHDR", head) + middle + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def rgb_png(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.fromarray(COLOUR).save(path)
    return path


# --- modes in, modes out


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_plain_modes_come_back_as_they_were(mode: str, tmp_path: Path) -> None:
    bands = {"L": [GREY], "LA": [GREY, ALPHA], "RGB": [*COLOUR.transpose(2, 0, 1)]}
    bands["RGBA"] = [*bands["RGB"], ALPHA]
    image = Image.merge(mode, [Image.fromarray(np.ascontiguousarray(band)) for band in bands[mode]])
    path = tmp_path / "a.png"
    image.save(path)
    for source in (image, path, str(path)):
        picture = read_picture(source)
        assert picture.grey == (mode in ("L", "LA"))
        assert (picture.alpha is not None) == (mode in ("LA", "RGBA"))
        back = to_pil(picture)
        assert back.mode == mode
        assert back.tobytes() == image.tobytes()


@pytest.mark.parametrize(
    ("mode", "back"),
    [("1", "L"), ("P", "RGB"), ("PA", "RGBA"), ("La", "LA"), ("RGBa", "RGBA"), ("RGBX", "RGB")]
    + [(mode, "RGB") for mode in ("CMYK", "YCbCr", "LAB", "HSV")],
)
def test_other_modes_become_the_nearest_plain_one(mode: str, back: str) -> None:
    if mode == "LAB":
        image = Image.frombytes("LAB", (7, 5), COLOUR.tobytes())
    else:
        start = {"PA": "P", "La": "LA", "RGBa": "RGBA"}.get(mode)
        image = Image.fromarray(COLOUR)
        image = (image.convert(start) if start else image).convert(mode)
    picture = read_picture(image)
    assert to_pil(picture).mode == back
    if mode not in ("PA", "La", "RGBa"):
        assert to_pil(picture).tobytes() == image.convert(back).tobytes()


def test_transparent_colours_become_alpha(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(GREY).convert("P").save(path, transparency=int(GREY[0, 0]))
    assert to_pil(read_picture(path)).mode == "RGBA"
    Image.fromarray(COLOUR).save(path, transparency=tuple(int(v) for v in COLOUR[2, 3]))
    picture = read_picture(path)
    assert picture.alpha is not None
    assert picture.alpha[2, 3] == 0
    assert (picture.pixels == COLOUR).all(), "hidden colours are kept"
    Image.fromarray(GREY).save(path, transparency=int(GREY[1, 1]))
    picture = read_picture(path)
    assert picture.grey
    assert picture.alpha is not None
    assert ((picture.alpha == 0) == (GREY[1, 1] == GREY)).all()


def test_transparent_colour_of_one_and_four_bit_grey() -> None:
    picture = read_picture(opened(png(2, 1, 1, 0, b"\0\x40", key=b"\0\1")))
    assert picture.pixels[0, :, 0].tolist() == [0, 255]
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 0]]
    picture = read_picture(opened(png(2, 1, 4, 0, b"\0\x5a", key=b"\0\5")))
    assert picture.pixels[0, :, 0].tolist() == [85, 170]
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[0, 255]]


def test_hidden_colours_under_alpha_zero_are_kept() -> None:
    samples = np.dstack([COLOUR, np.zeros((5, 7), np.uint8)])
    assert (np.asarray(to_pil(read_picture(Image.fromarray(samples)))) == samples).all()


def test_grey_is_the_rounded_mean() -> None:
    pixels = np.array([[[0, 0, 1], [0, 1, 1], [255, 255, 254], [255, 255, 255]]], np.uint8)
    assert np.asarray(to_pil(Picture(pixels, grey=True))).tolist() == [[0, 1, 255, 255]]


# --- more than eight bits


def test_sixteen_bit_grey_is_scaled_and_warned_of(tmp_path: Path) -> None:
    values = np.array([[0, 128, 129, 257, 32768, 65535]], np.uint16)
    expected = np.rint(values / 257).astype(np.uint8)
    for name in ("a.png", "a.tif", "a.pgm"):
        Image.fromarray(values).save(tmp_path / name)
        with pytest.warns(PrecisionWarning, match="8 bits") as caught:
            picture = read_picture(tmp_path / name)
        assert caught[0].filename == __file__
        assert picture.grey
        assert (picture.pixels[..., 0] == expected).all()
    for image in (Image.fromarray(values.astype(kind)) for kind in (np.int32, np.float32, ">u2")):
        assert image.mode in ("I", "F", "I;16B")
        with pytest.warns(PrecisionWarning):
            picture = read_picture(image)
        assert (picture.pixels[..., 0] == expected).all()


def test_sixteen_bit_grey_with_transparent_colour() -> None:
    rows = b"\0" + struct.pack(">HH", 5, 65535)
    with pytest.warns(PrecisionWarning):
        picture = read_picture(opened(png(2, 1, 16, 0, rows, key=b"\0\5")))
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[0, 255]]


@pytest.mark.parametrize(("colour_type", "channels", "mode"), [(2, 3, "RGB"), (4, 2, "LA"), (6, 4, "RGBA")])
def test_sixteen_bit_colour_png_warns(colour_type: int, channels: int, mode: str) -> None:
    values = RNG.integers(0, 65536, (4, 3, channels)).astype(">u2")
    data = png(3, 4, 16, colour_type, b"".join(b"\0" + row.tobytes() for row in values))
    with pytest.warns(PrecisionWarning, match="upper 8") as caught:
        picture = read_picture(opened(data))
    assert caught[0].filename == __file__
    back = to_pil(picture)
    assert back.mode == mode
    assert (np.asarray(back) == values >> 8).all()


def test_sixteen_bit_colour_tiff_warns() -> None:
    entries = [(256, 3, 2), (257, 3, 1), (258, 3, 122), (259, 3, 1), (262, 3, 2), (273, 4, 128), (277, 3, 3)]
    entries += [(278, 3, 1), (279, 4, 12)]
    counts = {258: 3}
    fields = b"".join(struct.pack("<HHII", tag, kind, counts.get(tag, 1), value) for tag, kind, value in entries)
    head = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(entries)) + fields + bytes(4)
    assert len(head) == 122
    data = head + struct.pack("<3H", 16, 16, 16) + struct.pack("<6H", 0, 256, 512, 65535, 4096, 1)
    with pytest.warns(PrecisionWarning, match="upper 8"):
        picture = read_picture(opened(data))
    assert picture.pixels.tolist() == [[[0, 1, 2], [255, 16, 0]]]


def test_twelve_bit_white_is_white() -> None:
    entries = [(256, 3, 2), (257, 3, 1), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 122), (277, 3, 1)]
    entries += [(278, 3, 1), (279, 4, 3)]
    fields = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    head = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(entries)) + fields + bytes(4)
    with pytest.warns(PrecisionWarning):
        picture = read_picture(opened(head + bytes.fromhex("fff000")))
    assert picture.pixels[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize("values", [[-1.0, 5.0], [0.0, 65536.0], [0.0, np.nan], [0.0, np.inf], [0.25, 1.0]])
def test_samples_without_a_known_scale_are_refused(values: list[float]) -> None:
    with pytest.raises(ImageError, match="the samples are"):
        read_picture(Image.fromarray(np.array([values], np.float32)))


def test_eight_bit_pictures_do_not_warn(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_picture(rgb_png(tmp_path))


# --- orientation, profiles, frames


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_exif_orientation_is_applied(orientation: int, name: str, tmp_path: Path) -> None:
    samples = np.zeros((16, 32), np.uint8)
    samples[:8, :16] = 255  # bright at the top left, as stored
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(samples).save(tmp_path / name, exif=exif)
    grey = read_picture(tmp_path / name).pixels[..., 0]
    upright = [samples, samples[:, ::-1], samples[::-1, ::-1], samples[::-1]]
    upright += [samples.T, samples.T[:, ::-1], samples.T[::-1, ::-1], samples.T[::-1]]
    expected = upright[orientation - 1]
    assert grey.shape == expected.shape
    assert np.abs(grey.astype(int) - expected).max() < 16


def test_damaged_exif_is_warned_of() -> None:
    image = Image.fromarray(COLOUR)
    image.info["exif"] = b"Exif\0\0not a TIFF header"
    with pytest.warns(PictureWarning, match="EXIF"):
        picture = read_picture(image)
    assert (picture.pixels == COLOUR).all()


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tif"])
def test_icc_profile_is_kept_through(extension: str, tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    Image.fromarray(COLOUR).save(source, icc_profile=SRGB)
    picture = read_picture(source)
    assert picture.icc == SRGB
    write_picture(picture, tmp_path / f"b.{extension}")
    assert read_picture(tmp_path / f"b.{extension}").icc == SRGB


def test_profiles_of_other_colour_spaces_are_dropped() -> None:
    def space(name: bytes) -> bytes:
        return SRGB[:16] + name + SRGB[20:]

    def profile(mode: str, icc: bytes) -> bytes | None:
        image = Image.fromarray(COLOUR).convert(mode)
        image.info["icc_profile"] = icc
        return read_picture(image).icc

    assert profile("CMYK", space(b"CMYK")) is None
    assert profile("RGB", space(b"CMYK")) is None
    assert profile("RGB", space(b"GRAY")) is None
    assert profile("L", space(b"GRAY")) == space(b"GRAY")
    assert profile("P", SRGB) == SRGB


@pytest.mark.parametrize("extension", ["gif", "png", "webp", "tif"])
def test_first_of_several_frames(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{extension}"
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime")]
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    with pytest.warns(FrameWarning, match="2 frames; frame 1"):
        picture = read_picture(path)
    assert picture.pixels[0, 0].tolist() == [255, 0, 0]


# --- what is not a picture


def test_files_that_are_no_pictures(tmp_path: Path) -> None:
    data = rgb_png(tmp_path).read_bytes()
    cases = {
        "empty.png": (b"", "empty"),
        "text.png": (b"hello", "text beginning 'hello'"),
        "stream.png": (b"plic\1", "plic decode"),
        "cut.png": (data[:-30], "damaged or cut short"),
        "head.png": (data[:20], "unknown|damaged|PNG"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError, match=message) as caught:
            read_picture(tmp_path / name)
        assert caught.value.hint
        assert name in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    rgb_png(tmp_path)
    with pytest.raises(ImageError, match="no such file") as caught:
        read_picture(tmp_path / "b.png")
    assert caught.value.near == ("a.png",)
    with pytest.raises(ImageError, match="folder"):
        read_picture(tmp_path)


def test_zero_sized_and_too_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no pixels"):
        read_picture(Image.new("RGB", (0, 5)))
    path = rgb_png(tmp_path)
    with pytest.raises(ImageError, match="7x5 = 35 pixels"):
        read_picture(path, max_pixels=34)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(ImageError, match="larger than the limit"):
        read_picture(path)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 255), st.sampled_from(["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"]))
def test_damaged_pictures_raise_only_image_errors(where: int, change: int, form: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(COLOUR).save(buffer, form)
    data = bytearray(buffer.getvalue())
    data[where % len(data)] ^= change
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "a"
        path.write_bytes(data)
        with contextlib.suppress(ImageError):
            read_picture(path)


@pytest.mark.parametrize(
    ("pixels", "alpha"),
    [
        (np.zeros((4, 4), np.uint8), None),
        (np.zeros((4, 4, 3), np.float32), None),
        (np.zeros((0, 4, 3), np.uint8), None),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.uint8)),
    ],
)
def test_pictures_are_checked_when_made(pixels: np.ndarray, alpha: np.ndarray | None) -> None:
    with pytest.raises(ImageError):
        Picture(pixels, alpha)


# --- tensors


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 128))
def test_padded_size_is_the_next_multiple(height: int, width: int, multiple: int) -> None:
    for before, after in zip((height, width), padded_size(height, width, multiple), strict=True):
        assert after % multiple == 0
        assert before <= after < before + multiple


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([1, 8, 64]))
def test_padding_repeats_edges_and_crop_undoes_it(height: int, width: int, multiple: int) -> None:
    x = torch.rand(2, 3, height, width)
    padded = pad(x, multiple)
    expected = np.pad(
        x.numpy(),
        [(0, 0), (0, 0), (0, padded.shape[2] - height), (0, padded.shape[3] - width)],
        mode="edge",
    )
    assert tuple(padded.shape[2:]) == padded_size(height, width, multiple)
    assert (padded.numpy() == expected).all()
    assert torch.equal(crop(padded, height, width), x)


@settings(deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_tensors_round_trip(pixels: np.ndarray) -> None:
    x = to_tensor(Picture(pixels))
    assert x.dtype == torch.float32
    assert tuple(x.shape) == (1, 3, *pixels.shape[:2])
    assert (from_tensor(x).pixels == pixels).all()


def test_from_tensor_rounds_clips_and_averages() -> None:
    x = torch.tensor([-0.5, 1.5, 0.0, 0.4 / 255, 0.6 / 255, 1 / 255]).reshape(1, 3, 1, 2)
    assert from_tensor(x).pixels.tolist() == [[[0, 0, 1], [255, 0, 1]]]
    assert from_tensor(x, grey=True).pixels.tolist() == [[[0, 0, 0], [85, 85, 85]]]
    assert from_tensor(x.to(torch.bfloat16)).width == 2
    with pytest.raises(WeightsError, match="not finite"):
        from_tensor(torch.full((1, 3, 2, 2), torch.nan))
    with pytest.raises(ImageError):
        from_tensor(torch.zeros(2, 3, 4, 4))


# --- alpha plane and profile


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


# --- files


@pytest.mark.parametrize("extension", ["png", "webp", "tif", "tiff", "bmp", "ppm", "PNG"])
def test_written_pictures_are_lossless(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{extension}"
    write_picture(Picture(COLOUR), path)
    assert (read_picture(path).pixels == COLOUR).all()


@pytest.mark.parametrize("extension", ["png", "webp", "tif"])
@pytest.mark.parametrize("grey", [False, True])
def test_written_alpha_is_lossless(extension: str, grey: bool, tmp_path: Path) -> None:
    path = tmp_path / f"a.{extension}"
    pixels = np.repeat(GREY[..., None], 3, axis=2) if grey else COLOUR
    write_picture(Picture(pixels, ALPHA, grey=grey), path)
    picture = read_picture(path)
    assert (picture.pixels == pixels).all()
    assert picture.alpha is not None
    assert (picture.alpha == ALPHA).all()


def test_grey_pgm_and_jpeg(tmp_path: Path) -> None:
    write_picture(Picture(np.repeat(GREY[..., None], 3, axis=2), grey=True), tmp_path / "a.pgm")
    assert (read_picture(tmp_path / "a.pgm").pixels[..., 0] == GREY).all()
    flat = np.full((16, 16, 3), 99, np.uint8)
    write_picture(Picture(flat), tmp_path / "a.jpg")
    assert np.abs(read_picture(tmp_path / "a.jpg").pixels.astype(int) - 99).max() <= 2


def test_what_a_format_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"write a PNG instead: .*a\.png"):
        write_picture(Picture(COLOUR, ALPHA), tmp_path / "a.jpg")
    with pytest.raises(ImageError, match="PGM"):
        write_picture(Picture(COLOUR), tmp_path / "a.pgm")
    with pytest.raises(ImageError, match=r"\.png, ") as caught:
        write_picture(Picture(COLOUR), tmp_path / "a.pnk")
    assert ".png" in caught.value.near
    with pytest.raises(ImageError, match="it has none"):
        write_picture(Picture(COLOUR), tmp_path / "a")
    with pytest.raises(ImageError, match="cannot write"):
        write_picture(Picture(np.zeros((1, 70000, 3), np.uint8)), tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    write_atomically(path, b"old")
    path.chmod(0o640)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(FileError, match="No space left"):
        write_atomically(path, b"other")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_follows_links_and_spares_devices(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomically(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"x"
    write_atomically("/dev/null", b"x")
    assert not Path("/dev/null").is_file()


def test_where_files_cannot_be_written_or_read(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="mkdir -p"):
        write_atomically(tmp_path / "none" / "a", b"")
    with pytest.raises(FileError, match="folder"):
        write_atomically(tmp_path, b"")
    with pytest.raises(FileError, match="cannot be read"):
        read_file(tmp_path)
    (tmp_path / "kodim01.plic").write_bytes(b"data")
    with pytest.raises(FileError, match="no such file") as caught:
        read_file(tmp_path / "kodim1.plic")
    assert caught.value.near == ("kodim01.plic",)
    assert read_file(tmp_path / "kodim01.plic") == b"data"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_missing_permission_has_a_hint(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FileError, match="permissions"):
        write_atomically(tmp_path / "a", b"")
    tmp_path.chmod(0o700)
