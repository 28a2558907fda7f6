"""The default codec as shipped: yesterday's stream decodes, and real bytes are what the model promises."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

import plic
from plic.core.catalogue import shipped_catalogue
from plic.core.container import describe, unpack
from plic.core.evaluation import psnr
from plic.core.frozen import FrozenCodec

KODAK = Path(os.environ.get("PLIC_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data" / "kodak"
GOLDEN = Path(__file__).parent / "golden" / "house.plic"
"""The coffee photograph of scikit-image, columns 200 to 328 and rows 100 to 164, at quality 4."""


@pytest.fixture(scope="module")
def codec() -> FrozenCodec:
    return plic.load("house")


def coffee() -> Image.Image:
    with Image.open(Path(skimage.__file__).parent / "data" / "coffee.png") as image:
        return image.convert("RGB")


def test_the_default_codec_has_weights() -> None:
    assert shipped_catalogue().default == "house"
    assert "house" in shipped_catalogue().weights


def test_golden_stream_decodes_to_the_same_latents_and_picture(codec: FrozenCodec) -> None:
    data = GOLDEN.read_bytes()
    decoded = codec.decode_picture(data)  # checks the digest of all symbols
    original = np.asarray(coffee().crop((200, 100, 328, 164)))
    assert psnr(original, decoded.pixels) > 33
    assert float(codec.decode_latents(data).abs().sum()) == 2171.0


def test_qualities_rise_in_rate_and_distortion_falls(codec: FrozenCodec) -> None:
    picture = coffee().crop((100, 50, 420, 290))
    pixels = np.asarray(picture)
    streams = [codec.encode(picture, quality=level) for level in range(codec.networks.rate.levels)]
    sizes = [len(data) for data in streams]
    qualities = [psnr(pixels, codec.decode_picture(data).pixels) for data in streams]
    assert sizes == sorted(sizes)
    assert qualities == sorted(qualities)


def test_overhead_of_an_ordinary_picture_is_forty_bytes(codec: FrozenCodec) -> None:
    facts = describe(unpack(codec.encode(coffee())))
    assert facts.overhead_bytes <= 40


@pytest.mark.parametrize("number", [3, 7, 12, 15, 20, 23])
def test_real_bytes_are_near_the_models_own_cross_entropy(codec: FrozenCodec, number: int) -> None:
    path = KODAK / f"kodim{number:02d}.png"
    if not path.exists():
        pytest.skip(f"no Kodak pictures in {KODAK}; set PLIC_SHARED")
    with Image.open(path) as image:
        picture = image.convert("RGB")
    for quality, allowed in ((0, 0.01), (3, 0.003), (7, 0.003)):
        coded = codec.encode_batch([picture], quality=quality, count_bits=True)[0]
        section_bits = 8 * sum(len(section.payload) for section in unpack(coded.data).sections)
        assert section_bits <= coded.bits * (1 + allowed)
