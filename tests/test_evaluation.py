"""Metrics against values worked out by hand, evaluations of a small untrained codec, BD-rates of shifted curves."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import plic
from plic.cli import main
from plic.core.errors import PlicError, PluginError
from plic.core.evaluation import (
    Curve,
    bd_rate,
    evaluate,
    ms_ssim,
    ms_ssim_db,
    overlap,
    psnr,
    read_evaluations,
    write_evaluations,
)
from plic.core.frozen import FrozenCodec
from plic.core.image import read_picture

SMALL = {
    "transform.channels": 8,
    "transform.widths": [8, 8],
    "transform.blocks": [1, 1],
    "side_information.channels": 4,
    "side_information.features": 8,
    "context.features": 8,
    "context.fusion": [8],
    "rate.levels": 3,
    "training.lambdas": [0.01, 0.02, 0.04],
}
SHAPE = (2, 2, 3)
RANDOM = np.random.default_rng(1)


@pytest.fixture(scope="module")
def codec() -> FrozenCodec:
    torch.manual_seed(0)
    model = plic.build("house", SMALL).eval()
    model.rate.get_parameter("log_gain").data += 3  # untrained latents are so small that all would be zero
    return model.freeze()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder "pair" with two pictures, one of them in a folder of its own, and a file that is none."""
    folder = tmp_path_factory.mktemp("evaluation") / "pair"
    (folder / "deeper").mkdir(parents=True)
    for name, size in (("b.png", (37, 20)), ("deeper/a.png", (16, 16))):
        Image.fromarray(RANDOM.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)).save(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    return folder


# --- metrics --------------------------------------------------------------------------------------------------------


def test_psnr_by_hand() -> None:
    black = np.zeros(SHAPE, np.uint8)
    assert psnr(black, black) == math.inf
    assert psnr(black, black + np.uint8(255)) == 0
    assert psnr(black + np.uint8(1), black) == pytest.approx(10 * math.log10(65025))  # 0 - 1 must not wrap to 255
    one = black.copy()
    one[0, 0, 0] = 6  # MSE 36 / 12 = 3
    assert psnr(black, one) == psnr(one, black) == pytest.approx(10 * math.log10(255**2 / 3))


def test_ms_ssim_of_flat_pictures_by_hand() -> None:
    """Without structure only the luminance term is left, at the coarsest scale, to the power of that scale's weight."""
    pytest.importorskip("pytorch_msssim")
    a, b = 100, 120
    c1 = (0.01 * 255) ** 2
    luminance = (2 * a * b + c1) / (a * a + b * b + c1)
    flat = [np.full((176, 192, 3), value, np.uint8) for value in (a, b)]
    # sides that halve evenly need no padding; every contrast term is c2 / c2 = 1, up to float32
    assert ms_ssim(*flat) == pytest.approx(luminance**0.1333, abs=2e-4)
    assert ms_ssim(flat[0], flat[0]) == pytest.approx(1)


def test_ms_ssim_of_noise_falls() -> None:
    pytest.importorskip("pytorch_msssim")
    picture = RANDOM.integers(64, 192, (176, 161, 3), dtype=np.uint8)
    values = [ms_ssim(picture, picture + RANDOM.integers(0, top, picture.shape, dtype=np.uint8)) for top in (8, 64)]
    assert 1 > values[0] > values[1] > 0


def test_small_pictures_have_no_ms_ssim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_msssim", None)
    small, large = np.zeros((160, 400, 3), np.uint8), np.zeros((161, 161, 3), np.uint8)
    assert math.isnan(ms_ssim(small, small))
    with pytest.raises(PluginError, match=r"pip install 'plic\[train\]'"):
        ms_ssim(large, large)


def test_ms_ssim_in_decibels() -> None:
    assert ms_ssim_db(0.99) == pytest.approx(20)
    assert ms_ssim_db(1) == math.inf
    assert math.isnan(ms_ssim_db(math.nan))


@pytest.mark.parametrize("other", [np.zeros((2, 3, 3), np.uint8), np.zeros((2, 2), np.uint8), np.zeros(SHAPE)])
def test_pictures_that_do_not_compare(other: np.ndarray) -> None:
    for metric in (psnr, ms_ssim):
        with pytest.raises(PlicError, match="cannot be compared"):
            metric(np.zeros(SHAPE, np.uint8), other)


# --- evaluation -----------------------------------------------------------------------------------------------------


def test_evaluation_is_what_coding_gives(codec: FrozenCodec, pictures: Path) -> None:
    result = evaluate(codec, pictures, [0, 2])
    assert [one.quality for one in result.qualities] == [0, 2]
    assert (result.model, result.data) == ("house", "pair")
    assert result.recipe["rate"]["levels"] == 3
    assert result.fingerprint.startswith(codec.fingerprint.hex())
    assert {"plic", "torch", "numpy", "python", "platform"} <= set(result.versions)
    images = result.qualities[1].images
    assert [image.name for image in images] == ["b.png", "deeper/a.png"]
    for image in images:
        picture = read_picture(pictures / image.name)
        data = codec.encode(picture, quality=2)
        assert (image.width, image.height) == (picture.width, picture.height)
        assert image.bytes == len(data)
        assert image.bpp == 8 * len(data) / (picture.width * picture.height)
        assert image.psnr == psnr(picture.pixels, codec.decode_picture(data).pixels)
        assert 0 < image.section_bytes < image.bytes
        assert min(image.encode.total, image.decode.total) > 0


def test_means(codec: FrozenCodec, pictures: Path) -> None:
    result = evaluate(codec, pictures, [1]).qualities[0]
    a, b = result.images
    assert result.mean.bytes == (a.bytes + b.bytes) / 2
    assert result.mean.bpp == (a.bpp + b.bpp) / 2  # not all bits over all pixels
    assert result.mean.psnr == (a.psnr + b.psnr) / 2
    assert result.mean.encode.coder == (a.encode.coder + b.encode.coder) / 2
    bits = 8 * (a.section_bytes + b.section_bytes)
    assert result.mean.overhead == pytest.approx(bits / (a.model_bits + b.model_bits) - 1)
    assert result.mean.overhead > 0
    assert math.isnan(result.mean.ms_ssim_db)


def test_json_in_and_out(codec: FrozenCodec, pictures: Path, tmp_path: Path) -> None:
    result = evaluate(codec, pictures)
    path = tmp_path / "results.json"
    write_evaluations(path, [result])
    json.loads(path.read_text(), parse_constant=pytest.fail)  # neither NaN nor Infinity, which JSON does not have
    (again,) = read_evaluations(path)
    assert again.model_dump_json() == result.model_dump_json()
    assert math.isnan(again.qualities[0].mean.ms_ssim)
    assert again.curve() == Curve(
        tuple(one.mean.bpp for one in result.qualities), tuple(one.mean.psnr for one in result.qualities)
    )
    with pytest.raises(PlicError, match="no rate-distortion curve"):
        again.curve("ms_ssim_db")


def test_files_that_hold_no_results(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    for text in ("", "[]", '{"plic_evaluation": 2, "evaluations": []}', '{"evaluations": [{}]}'):
        path.write_text(text)
        with pytest.raises(PlicError, match="is not a results file"):
            read_evaluations(path)


def test_evaluation_refuses(codec: FrozenCodec, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(PlicError, match="no such folder"):
        evaluate(codec, tmp_path / "nowhere")
    with pytest.raises(PlicError, match="holds no pictures"):
        evaluate(codec, tmp_path)
    with pytest.raises(PlicError, match="no such quality"):
        evaluate(codec, pictures, [0, 3])


def test_command(codec: FrozenCodec, pictures: Path, tmp_path: Path) -> None:
    weights, out = tmp_path / "weights.safetensors", tmp_path / "results.json"
    codec.save(weights)
    arguments = ["evaluate", str(weights), "--data", str(pictures), "-o", str(out), "--quality", "1"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    label = f"{tmp_path.name}/weights"
    assert result.stdout.startswith(f"{label}  quality 1  ")
    (evaluation,) = read_evaluations(out)
    assert (evaluation.model, len(evaluation.qualities)) == (label, 1)
    again = CliRunner().invoke(main, arguments)
    assert (again.exit_code, f"{out} exists" in again.stderr) == (2, True)


# --- BD-rate --------------------------------------------------------------------------------------------------------

RATES = (0.1, 0.2, 0.45, 0.8, 1.3)
QUALITIES = (28.0, 30.5, 33.5, 36.0, 38.5)
ANCHOR = Curve(RATES, QUALITIES)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.25])
def test_bd_rate_of_a_shifted_curve(factor: float) -> None:
    pytest.importorskip("bjontegaard")
    test = Curve(tuple(factor * rate for rate in RATES), QUALITIES)
    assert bd_rate(ANCHOR, test) == pytest.approx(100 * (factor - 1))
    backwards = Curve(test.rate[::-1], test.quality[::-1])
    assert bd_rate(ANCHOR, backwards) == pytest.approx(100 * (factor - 1))


# Kodak results files of InterDigitalInc/CompressAI at 869a9f5 (results/image/kodak), rounded to five digits
VTM = Curve(
    (0.04824, 0.11250, 0.24582, 0.49055, 0.87481, 1.43085, 2.32461, 3.63261),
    (26.14485, 28.49302, 31.19987, 34.26153, 37.41979, 40.42444, 43.50577, 46.59176),
)
PUBLISHED = {
    "HM": Curve(
        (0.05144, 0.12087, 0.26666, 0.52953, 0.95037, 1.55960, 2.47606, 3.84556),
        (25.41112, 27.74643, 30.44661, 33.50495, 36.78250, 39.99490, 43.08796, 46.14321),
    ),
    "mbt2018": Curve(
        (0.11053, 0.18697, 0.28770, 0.43234, 0.63877, 0.88530, 1.20036, 1.58734),
        (28.08847, 29.64550, 31.36228, 33.08595, 35.09376, 36.98882, 38.93350, 40.63907),
    ),
    "cheng2020-anchor": Curve(
        (0.11960, 0.18380, 0.27095, 0.41738, 0.59447, 0.80574),
        (28.58235, 29.96927, 31.34278, 33.39031, 35.11887, 36.70410),
    ),
}


@pytest.mark.parametrize(("codec_name", "percent"), [("HM", 23.31), ("mbt2018", 11.02), ("cheng2020-anchor", 3.68)])
def test_bd_rate_reproduces_a_published_table(codec_name: str, percent: float) -> None:
    """BD-rates against VTM as Table III of the MSP paper prints them."""
    pytest.importorskip("bjontegaard")
    assert bd_rate(VTM, PUBLISHED[codec_name]) == pytest.approx(percent, abs=0.01)


def test_bd_rate_needs_neither_equal_counts_nor_much_overlap() -> None:
    pytest.importorskip("bjontegaard")
    straight = Curve((0.1, 0.2, 0.4, 0.8), (28.0, 31.0, 34.0, 37.0))  # 3 dB for each doubling
    test = Curve((0.6, 1.2), (36.0, 39.0))  # at 36 dB the anchor needs 0.8 / 2^(1/3)
    assert overlap(straight, test) == (36.0, 37.0)
    assert bd_rate(straight, test) == pytest.approx(100 * (0.6 / (0.8 / 2 ** (1 / 3)) - 1))


def test_bd_rate_refuses() -> None:
    with pytest.raises(PlicError, match="no quality in common"):
        bd_rate(ANCHOR, Curve((1.0, 2.0), (40.0, 41.0)))
    for rate, quality in (((1.0,), (30.0,)), ((1.0, 0.0), (30.0, 31.0)), ((1.0, 2.0), (30.0, 30.0))):
        with pytest.raises(PlicError, match="make no rate-distortion curve"):
            Curve(rate, quality)
    with pytest.raises(PlicError, match="make no rate-distortion curve"):
        Curve((1.0, 2.0), (30.0, math.nan))


def test_bd_rate_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bjontegaard", None)
    with pytest.raises(PluginError, match=r"pip install 'plic\[report\]'"):
        bd_rate(ANCHOR, ANCHOR)
