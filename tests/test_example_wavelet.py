"""`examples/plic-wavelet` as an outsider has it: a distribution of its own, installed, used from recipes in YAML."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from outside import TREE, Outside
from PIL import Image
from small import photograph

pytest.importorskip("pywt", reason="examples/plic-wavelet needs PyWavelets: pip install pywavelets")

RECIPE = """\
plic: 1
name: tiny-wavelet
extends: wavelet-groups
transform: {levels: 2, wavelet: rbio2.4, step: 0.05}
side_information: {channels: 8, features: 8}
context: {features: 8, fusion: [8]}
schedule: {groups: [3, 9, 36]}
rate: {levels: 2, span: 2.0}
training: {lambdas: [0.01, 0.04], crop: 32, batch: 1, steps: 2}
"""


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    place = Outside.with_example("plic-wavelet", tmp_path_factory.mktemp("outside"))
    (place.folder / "tiny.yaml").write_text(RECIPE, encoding="utf-8")
    photograph(41, 33).save(place.folder / "picture.png")
    (place.folder / "photographs").mkdir()
    photograph(64, 64, seed=1).save(place.folder / "photographs" / "one.png")
    return place


@pytest.fixture(scope="module")
def weights(outside: Outside) -> Path:
    """Weights after two steps of training."""
    outside.plic("train", "tiny.yaml", "--data", "photographs", "--out", "run", "--device", "cpu", "--log-every", "1")
    return outside.folder / "run" / "weights.safetensors"


def test_a_trained_codec_codes_a_picture(outside: Outside, weights: Path) -> None:
    """Two steps teach little about rates; but the transform is what it is, so the picture is good at once."""
    log = (outside.folder / "run" / "log.jsonl").read_text(encoding="utf-8")
    assert log.count('"loss"') == 2
    outside.plic("encode", "picture.png", "-o", "a.plic", "--model", weights)
    outside.plic("decode", "a.plic", "-o", "back.png", "--model", weights, OMP_NUM_THREADS="2")
    with Image.open(outside.folder / "back.png") as back, Image.open(outside.folder / "picture.png") as picture:
        error = np.asarray(back).astype(float) - np.asarray(picture)
    assert np.square(error).mean() < 40


def test_its_own_tests_pass(outside: Outside) -> None:
    """Its recipe, the library's numbers, what is refused. The check below tries the contracts."""
    chosen = "not plic_contract"
    output = outside.run("-m", "pytest", "-p", "no:cacheprovider", "-m", chosen, "source")
    assert re.search(r"^1\d\d passed", output.splitlines()[-1].strip("= ")), output


def test_the_check_says_that_it_holds(outside: Outside) -> None:
    output = outside.plic("plugin", "check", "plic-wavelet", "--examples", "1")
    for name in ("WaveletContract", "LongWaveletContract", "HalfWaveletContract", "HaarWaveletContract"):
        assert f"tried as {name} says" in output
    assert "gradients go back to the latent" in output
    assert "BROKEN" not in output


def test_without_the_plugin_the_weights_say_what_is_missing(outside: Outside, weights: Path) -> None:
    encode = ("encode", "picture.png", "-o", "c.plic", "--model", weights)
    message = outside.plic(*encode, code=2, PYTHONPATH="")
    assert "plic-wavelet" in message
    assert "pip install" in message


def test_plic_does_not_know_it() -> None:
    files = [path for room in ("core", "plugins") for path in (TREE / room).rglob("*.py")]
    assert not [path for path in files if re.search(r"plic_wavelet|pywt", path.read_text(encoding="utf-8"))]
