"""Evaluations of a small untrained codec."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from small import small_frozen

import plic
from plic.cli import main
from plic.core.errors import PlicError
from plic.core.evaluation import (
    Curve,
    PictureStore,
    evaluate,
    psnr,
    read_evaluations,
    write_evaluations,
)
from plic.core.evaluation.memory import PeakMemory
from plic.core.evaluation.steps import SequentialSteps
from plic.core.frozen import FrozenCodec
from plic.core.image import read_picture
from plic.core.report import report_on

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
COSTS = ("encode_steps", "decode_steps", "encode_memory", "decode_memory")
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
    assert result.mean.estimate_bpp == (a.estimate_bpp + b.estimate_bpp) / 2
    assert a.estimate_bpp == a.model_bits / (a.width * a.height)
    assert (a.decode_steps, b.decode_steps, result.mean.decode_steps) == (5, 2, 3.5)  # b's latent has one site


def test_cost(codec: FrozenCodec, pictures: Path) -> None:
    """Parameters and arithmetic are those of `plic recipes`; steps those of the schedule; memory what Linux says."""
    result = evaluate(codec, pictures, [1])
    report = report_on(codec.recipe)
    assert (result.parameters, result.macs_per_pixel) == (report.parameters, report.macs_per_pixel)
    both = result.macs_per_pixel["hyper synthesis"] + result.macs_per_pixel["context"]
    assert result.encode_macs_per_pixel == pytest.approx(
        sum(report.macs_per_pixel.values()) - result.macs_per_pixel["synthesis"]
    )
    assert result.decode_macs_per_pixel == pytest.approx(both + result.macs_per_pixel["synthesis"])
    assert (result.folder, result.processes) == (str(pictures), 1)
    for image in result.qualities[0].images:
        assert (image.encode_steps, image.decoded) == (image.decode_steps, None)
        if sys.platform == "linux" and os.access("/proc/self/clear_refs", os.W_OK):
            assert min(image.encode_memory or 0, image.decode_memory or 0) > 2**25


def test_peak_memory_is_that_of_the_block() -> None:
    with PeakMemory() as before:
        pass
    with PeakMemory() as block:
        del [bytearray(2**26)][:]
    with PeakMemory() as after:
        pass
    if before.bytes is None or block.bytes is None or after.bytes is None:
        pytest.skip("the system does not tell")
    assert block.bytes - before.bytes > 2**25
    assert block.bytes - after.bytes > 2**25


@pytest.mark.parametrize(
    ("recipe", "quantizer", "encode", "decode"),
    [
        ("balle2017", "median", 1, 1),
        ("balle2018", "integer", 2, 2),
        ("he2021", "mean-centred", 3, 3),
        ("minnen2018", "mean-centred", 14, 14),
        ("minnen2018", "integer", 2, 14),
    ],
)
def test_sequential_steps(recipe: str, quantizer: str, encode: int, decode: int) -> None:
    """One for z; 13 fronts of 4x4 latents in raster order, which the encoder computes at once on the integer grid."""
    steps = SequentialSteps.of(small_frozen(recipe, quantizer__use=quantizer), 64, 50)
    assert steps == SequentialSteps(encode, decode)


def test_progress_counts_pictures(codec: FrozenCodec, pictures: Path) -> None:
    seen: list[tuple[int, int]] = []
    evaluate(codec, pictures, [0, 1], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_decoded_pictures_are_kept(codec: FrozenCodec, pictures: Path, tmp_path: Path) -> None:
    store = PictureStore(tmp_path / "results.pictures" / "house", tmp_path)
    images = evaluate(codec, pictures, [2], store=store).qualities[0].images
    assert images[1].decoded == "results.pictures/house/2/deeper/a.png"
    for image in images:
        data = codec.encode(read_picture(pictures / image.name), quality=2)
        kept = read_picture(tmp_path / str(image.decoded))
        assert np.array_equal(kept.pixels, codec.decode_picture(data).pixels)


def test_a_picture_that_cannot_be_read_is_named(codec: FrozenCodec, tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(PlicError, match=r"broken\.png"):
        evaluate(codec, tmp_path, [0])


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


def test_files_of_format_1_are_read(codec: FrozenCodec, pictures: Path, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_evaluations(path, [evaluate(codec, pictures, [0])])
    file = json.loads(path.read_text())
    (evaluation,) = file["evaluations"]
    file["plic_evaluation"] = 1
    for record, names in (
        (evaluation, ("folder", "parameters", "macs_per_pixel", "processes")),
        (evaluation["qualities"][0]["mean"], ("estimate_bpp", *COSTS)),
        *((image, (*COSTS, "decoded")) for image in evaluation["qualities"][0]["images"]),
    ):
        for name in names:
            del record[name]
    path.write_text(json.dumps(file))
    (again,) = read_evaluations(path)
    assert (again.folder, again.parameters, again.decode_macs_per_pixel, again.processes) == ("", None, None, 1)
    assert again.qualities[0].mean.decode_memory is None
    assert again.qualities[0].images[0].estimate_bpp > 0


def test_files_that_hold_no_results(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    for text in ("", "[]", '{"plic_evaluation": 4, "evaluations": []}', '{"evaluations": [{}]}'):
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
    assert evaluation.qualities[0].quality == 1
    assert not (tmp_path / "results.pictures").exists()
    again = CliRunner().invoke(main, arguments)
    assert (again.exit_code, f"{out} exists" in again.stderr) == (2, True)


def test_command_keeps_pictures(codec: FrozenCodec, pictures: Path, tmp_path: Path) -> None:
    weights, out = tmp_path / "weights.safetensors", tmp_path / "results.json"
    codec.save(weights)
    arguments = ["evaluate", str(weights), str(weights), "--data", str(pictures), "-o", str(out), "--save-pictures"]
    result = CliRunner().invoke(main, [*arguments, "--quality", "0.5"], catch_exceptions=False)
    assert " quality 0.5 " in result.stdout
    folder = f"results.pictures/{tmp_path.name}-weights"
    names = [one.qualities[0].images[0].decoded for one in read_evaluations(out)]
    assert names == [f"{folder}/0.5/b.png", f"{folder}-2/0.5/b.png"]
    assert all((tmp_path / str(name)).is_file() for name in names)
    out.unlink()
    again = CliRunner().invoke(main, arguments)
    assert (again.exit_code, "results.pictures exists" in again.stderr) == (2, True)
