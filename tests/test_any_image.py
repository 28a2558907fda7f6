"""Any picture, through a whole codec: size, mode, alpha and profile come back as they went in."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from small import photograph, small_frozen

from plic.core.container import SectionKind, unpack
from plic.core.errors import PlicError
from plic.core.frozen import FrozenCodec
from plic.core.image import Picture, PrecisionWarning, read_picture

MODES = {  # what goes in, and what comes back
    "1": "L",
    "L": "L",
    "LA": "LA",
    "La": "LA",
    "P": "RGB",
    "PA": "RGBA",
    "RGB": "RGB",
    "RGBX": "RGB",
    "RGBA": "RGBA",
    "RGBa": "RGBA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "LAB": "RGB",
    "HSV": "RGB",
}
STEPS = {"La": "LA", "PA": "P", "RGBa": "RGBA"}  # modes that Pillow converts to from another one only
ORIENTATION = 0x0112  # EXIF tag


@pytest.fixture(scope="module")
def codec() -> FrozenCodec:
    return small_frozen("house")


def through(codec: FrozenCodec, image: Image.Image | Picture) -> Image.Image:
    return codec.decode(codec.encode(image))


def in_mode(mode: str, width: int = 37, height: int = 22) -> Image.Image:
    """A photograph in one of Pillow's modes; those with alpha have a gradient of it."""
    image = photograph(width, height)
    if mode == "LAB":
        return ImageCms.profileToProfile(  # type: ignore[return-value]
            image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
    if mode.upper().endswith("A"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image.convert(STEPS.get(mode, mode)).convert(mode)


def alpha_of(image: Image.Image) -> np.ndarray:
    straight = image.convert("LA") if image.mode == "La" else image
    return np.asarray(straight.convert("RGBA").getchannel("A"))


# --- sizes ----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from(["L", "RGB", "RGBA"]), st.integers(0, 7))
def test_any_size(codec: FrozenCodec, width: int, height: int, mode: str, quality: int) -> None:
    image = in_mode(mode, width, height)
    back = codec.decode(codec.encode(image, quality=quality))
    assert (back.size, back.mode) == (image.size, mode)
    assert np.array_equal(alpha_of(back), alpha_of(image))


@pytest.mark.parametrize("size", [(1, 1), (767, 511), (1, 300), (300, 1), (513, 3), (16, 16), (17, 15)])
@pytest.mark.parametrize("recipe", ["house", "he2021", "zhang2022-baseline"])
def test_odd_sizes(recipe: str, size: tuple[int, int]) -> None:
    image = photograph(*size)
    assert through(small_frozen(recipe), image).size == size


def test_too_many_pixels_are_refused_before_work_begins(codec: FrozenCodec) -> None:
    with pytest.raises(PlicError, match="larger than the limit"):
        codec.encode(Image.new("1", (40000, 4000)))


# --- modes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_any_mode(codec: FrozenCodec, mode: str) -> None:
    image = in_mode(mode)
    assert image.mode == mode
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = through(codec, image)
    assert (back.size, back.mode) == (image.size, MODES[mode])
    if "A" in MODES[mode]:
        assert np.array_equal(alpha_of(back), alpha_of(image))
        assert len(np.unique(alpha_of(back))) > 5


@pytest.mark.parametrize("mode", MODES)
def test_colours_reach_the_codec_and_return(codec: FrozenCodec, mode: str) -> None:
    """The picture is read as plain RGB, and grey comes back exactly grey."""
    image = in_mode(mode)
    picture = read_picture(image)
    if mode not in ("La", "RGBa", "LAB"):  # premultiplied or without a plain conversion
        plain = image.convert("RGBA" if "A" in mode else "RGB").convert("RGB")
        assert np.array_equal(picture.pixels, np.asarray(plain))
    decoded = codec.decode_picture(codec.encode(image))
    assert decoded.grey == (MODES[mode] in ("L", "LA"))
    assert unpack(codec.encode(image)).header.grey == decoded.grey
    if decoded.grey:
        assert np.ptp(decoded.pixels, axis=2).max() == 0


@pytest.mark.parametrize("transparency", [0, bytes([255] * 10 + [0, 100, 200])])
def test_transparent_palette(codec: FrozenCodec, transparency: int | bytes, tmp_path: Path) -> None:
    photograph(37, 22).quantize(16).save(tmp_path / "a.png", transparency=transparency)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"
        back = through(codec, image)
        assert (back.size, back.mode) == ((37, 22), "RGBA")
        assert np.array_equal(alpha_of(back), alpha_of(image))
        assert alpha_of(back).min() == 0


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I", "F"])
def test_sixteen_bits_become_eight_with_a_warning(codec: FrozenCodec, mode: str) -> None:
    samples = np.asarray(photograph(37, 22).convert("L")).astype(np.float64) * 257
    kinds = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4", "F": "<f4"}
    image = Image.frombytes(mode, (37, 22), samples.astype(kinds[mode]).tobytes())
    with pytest.warns(PrecisionWarning):
        back = through(codec, image)
    assert (back.size, back.mode) == ((37, 22), "L")
    with pytest.warns(PrecisionWarning):
        assert np.array_equal(read_picture(image).pixels[..., 0], samples / 257)


# --- what goes with a picture ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg_lies_upright(codec: FrozenCodec, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photograph(48, 20).save(tmp_path / "a.jpg", exif=exif, quality=95)
    with Image.open(tmp_path / "a.jpg") as image:
        stored = np.asarray(image.convert("RGB"))
    turned = {5: (1, 0), 6: (0, 1), 7: (1, 0), 8: (0, 1)}
    picture = read_picture(tmp_path / "a.jpg")
    back = through(codec, picture)
    assert back.size == ((20, 48) if orientation in turned else (48, 20))
    assert ORIENTATION not in back.getexif()
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(stored),
    }
    assert np.array_equal(picture.pixels, upright[orientation])


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_profile_is_kept_byte_for_byte(codec: FrozenCodec, mode: str, tmp_path: Path) -> None:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    if mode == "L":
        profile[16:20] = b"GRAY"
    in_mode(mode).save(tmp_path / "a.png", icc_profile=bytes(profile))
    with Image.open(tmp_path / "a.png") as image:
        data = codec.encode(image)
    back = codec.decode(data)
    assert back.info["icc_profile"] == bytes(profile)
    buffer = io.BytesIO()
    back.save(buffer, "PNG", icc_profile=back.info["icc_profile"])
    with Image.open(buffer) as again:
        assert again.info["icc_profile"] == bytes(profile)


def test_a_plain_picture_has_no_extra_sections(codec: FrozenCodec) -> None:
    kinds = [section.kind for section in unpack(codec.encode(photograph(20, 20))).sections]
    assert kinds == [SectionKind.SIDE, SectionKind.LATENT]


@pytest.mark.parametrize("values", [(0,), (255,), (0, 255), (0, 1, 127, 254, 255)])
def test_alpha_is_lossless(codec: FrozenCodec, values: tuple[int, ...]) -> None:
    image = photograph(61, 33).convert("RGBA")
    random = np.random.default_rng(len(values))
    image.putalpha(Image.fromarray(random.choice(np.array(values, dtype=np.uint8), (33, 61))))
    back = through(codec, image)
    assert back.mode == "RGBA"
    assert np.array_equal(alpha_of(back), alpha_of(image))
