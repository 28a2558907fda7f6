"""Pictures: every mode in and out, what is no picture, padding and tensors."""

from __future__ import annotations

import contextlib
import io
import struct
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from sample_pictures import ALPHA, COLOUR, GREY, SRGB, png, rgb_png

from plic.core.errors import ImageError, WeightsError
from plic.core.image import (
    FrameWarning,
    Picture,
    PictureWarning,
    PrecisionWarning,
    crop,
    from_tensor,
    pad,
    padded_size,
    read_picture,
    to_pil,
    to_tensor,
    write_picture,
)

RNG = np.random.default_rng(7)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


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
