"""Targets: the quality that meets a size or a PSNR, found with few encodes and kept by real files."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from lossless import needed
from small import photograph, small_codec, small_frozen

import plic
from plic.cli import main
from plic.core.container import describe, unpack
from plic.core.errors import PlicError
from plic.core.evaluation.metrics import psnr
from plic.core.frozen import FrozenCodec
from plic.core.image import read_picture
from plic.core.slots import Latents, Objective, Refiner
from plic.core.targeting import Target, encode_to_target
from plic.core.targeting.search import PATIENCE, Probe, find_crossing
from plic.plugins.refiner.lof import LatentOverfitting

LAST = 7 * 256
PICTURE = photograph(96, 64)

# --- the search -----------------------------------------------------------------------------------------------------


def probed(function: Callable[[int], float], goal: float, last: int = LAST) -> dict[int, float]:
    """The values that were looked at, in order."""
    seen: dict[int, float] = {}

    def probe(index: int) -> Probe:
        assert 0 <= index <= last
        assert index not in seen
        seen[index] = function(index)
        return Probe(index, seen[index] - goal, seen[index] > goal)

    find_crossing(probe, last)
    return seen


def crossings(seen: dict[int, float], goal: float) -> list[int]:
    """Indices after which the goal is passed upwards, as far as both neighbours were looked at."""
    return [index for index in seen if index + 1 in seen and seen[index] <= goal < seen[index + 1]]


@settings(deadline=None)
@given(st.floats(0.3, 3), st.floats(0.001, 0.999))
def test_smooth_functions_take_few_probes(bend: float, share: float) -> None:
    seen = probed(lambda index: (index / LAST) ** bend, goal := share**bend)
    (found,) = crossings(seen, goal)
    assert abs(found + 0.5 - share * LAST) < 0.5 + 1e-6
    # near the flat end of a curve, lines through two of its points are bad guesses, and bisection takes over
    assert len(seen) <= (14 if share > 0.05 else PATIENCE + math.ceil(math.log2(LAST)))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**16), st.floats(0.1, 0.9), st.integers(0, 30))
def test_functions_that_also_fall(seed: int, goal: float, roughness: int) -> None:
    noise = np.random.default_rng(seed).uniform(-roughness, roughness, LAST + 1)
    seen = probed(lambda index: float(index + noise[index]) / LAST, goal)
    assert crossings(seen, goal)
    assert len(seen) <= PATIENCE + math.ceil(math.log2(LAST))


@pytest.mark.parametrize("constant", [0.0, math.inf])
def test_steps_are_found_by_bisection(constant: float) -> None:
    seen = probed(lambda index: constant + 1 if index > 700 else -constant, 0.5)
    assert crossings(seen, 0.5) == [700]


def test_ends() -> None:
    assert list(probed(float, LAST)) == [LAST], "the highest will do"
    assert list(probed(float, -1)) == [LAST, 0], "not even the lowest will do"
    assert list(probed(float, -1, last=0)) == [0]


# --- targets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({}, "a target is one figure\n  got:      none"),
        ({"bpp": 1.0, "psnr": 30.0}, "got:      1 bpp and 30 dB"),
        ({"bpp": 0.0}, "a target is a positive number"),
        ({"bpp": -1.0}, "a target is a positive number"),
        ({"psnr": math.nan}, "a target is a positive number\n  got:      nan"),
        ({"psnr": math.inf}, "a target is a positive number"),
    ],
    ids=str,
)
def test_targets_that_make_no_sense(figures: dict[str, float], message: str) -> None:
    with pytest.raises(PlicError, match=re.escape(message)):
        Target(**figures)
    with pytest.raises(PlicError, match=re.escape(message)):
        encode_to_target(small_frozen("house"), PICTURE, bpp=figures.get("bpp"), psnr=figures.get("psnr"))


@pytest.fixture(scope="module")
def ends() -> tuple[tuple[float, float], tuple[float, float]]:
    """Bits per pixel and PSNR at the lowest and at the highest quality."""
    codec = small_frozen("house")
    return figures(codec, codec.encode(PICTURE, quality=0)), figures(codec, codec.encode(PICTURE, quality=7))


def figures(codec: FrozenCodec, data: bytes) -> tuple[float, float]:
    return describe(unpack(data)).bits_per_pixel, psnr(read_picture(PICTURE).pixels, codec.decode_picture(data).pixels)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.97, 1.0])
def test_target_bpp_is_kept(ends: tuple[tuple[float, float], ...], share: float) -> None:
    codec, (low, high) = small_frozen("house"), (ends[0][0], ends[1][0])
    goal = low ** (1 - share) * high**share * (1 + 1e-12)
    found = plic.encode_to_target(codec, PICTURE, bpp=goal)
    assert figures(codec, found.data)[0] == found.bpp <= goal
    assert found.psnr is None
    assert found.data == codec.encode(PICTURE, quality=found.quality)
    if found.quality < 7:
        above = codec.encode(PICTURE, quality=found.quality + 1 / 256)
        assert describe(unpack(above)).bits_per_pixel > goal


def test_target_psnr_is_reached_by_the_shipped_codec() -> None:
    codec, picture = plic.load("house"), photograph(192, 128)
    pixels = read_picture(picture).pixels
    low, high = (psnr(pixels, codec.decode_picture(codec.encode(picture, quality=q)).pixels) for q in (0, 7))
    goal = round((low + high) / 2, 1)
    found = encode_to_target(codec, picture, psnr=goal)
    assert found.psnr == psnr(pixels, codec.decode_picture(found.data).pixels) >= goal
    assert 0 < found.quality < 7
    assert found.encodes <= 12
    below = codec.decode_picture(codec.encode(picture, quality=found.quality - 1 / 256))
    assert psnr(pixels, below.pixels) < goal


def test_target_bpp_is_kept_by_the_shipped_codec() -> None:
    codec, picture = plic.load("house"), photograph(192, 128)
    low, high = (8 * len(codec.encode(picture, quality=quality)) / (192 * 128) for quality in (0, 7))
    goal = round(math.sqrt(low * high), 2)
    found = encode_to_target(codec, picture, bpp=goal)
    assert found.bpp <= goal < 1.01 * found.bpp
    assert found.encodes <= 12
    assert 8 * len(codec.encode(picture, quality=found.quality + 1 / 256)) / (192 * 128) > goal


def test_alpha_and_other_coders_count() -> None:
    codec, picture = small_frozen("house"), photograph(96, 64).convert("RGBA")
    picture.putalpha(photograph(96, 64, seed=1).convert("L"))
    goal = describe(unpack(codec.encode(picture, quality=3.5))).bits_per_pixel
    found = encode_to_target(codec, picture, bpp=goal, coder=needed("constriction"))
    assert unpack(found.data).header.coder == "constriction"
    assert found.bpp <= goal < found.bpp * 1.01
    assert abs(found.quality - 3.5) < 0.5
    assert encode_to_target(codec, PICTURE, bpp=goal).quality == 7


def test_targets_out_of_reach(ends: tuple[tuple[float, float], ...]) -> None:
    codec = small_frozen("house")
    with pytest.raises(PlicError, match="no quality of recipe 'house' meets the target") as caught:
        encode_to_target(codec, PICTURE, bpp=0.01)
    assert (caught.value.got, caught.value.expected) == ("0.01 bpp", f"at least {ends[0][0]:.4f} bpp, at quality 0")
    with pytest.raises(PlicError, match="no quality of recipe 'house' meets the target") as caught:
        encode_to_target(codec, PICTURE, psnr=99)
    assert (caught.value.got, str(caught.value.expected)[:8]) == ("99 dB", "at most ")


def test_one_quality_leaves_nothing_to_search() -> None:
    with pytest.raises(PlicError, match="recipe 'balle2018' has one quality") as caught:
        encode_to_target(small_frozen("balle2018"), PICTURE, bpp=1.0)
    assert caught.value.got == "rate 'fixed'"


def test_rates_that_do_not_interpolate_are_searched_by_levels(ends: tuple[tuple[float, float], ...]) -> None:
    codec = small_codec("house").eval().freeze()
    codec.networks.rate.interpolates = False
    found = encode_to_target(codec, PICTURE, bpp=math.sqrt(ends[0][0] * ends[1][0]))
    assert isinstance(found.quality, int)
    assert found.encodes <= 8


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    small_frozen("house").save(tmp_path / "w.safetensors")
    small_frozen("balle2018").save(tmp_path / "one.safetensors")
    PICTURE.save("a.png")
    return tmp_path


def run(*arguments: str, model: str = "w.safetensors") -> Result:
    return CliRunner().invoke(main, ["encode", "a.png", "-o", "a.plic", "--model", model, *arguments])


def bpp_of(path: str) -> float:
    return describe(unpack(Path(path).read_bytes())).bits_per_pixel


def test_quality_takes_fractions(here: Path) -> None:
    assert run("--quality", "3.25").exit_code == 0
    inspected = CliRunner().invoke(main, ["inspect", "a.plic"]).stdout
    assert re.search(r"^quality +3\.25$", inspected, re.MULTILINE)
    assert '"quality": 3.25,' in CliRunner().invoke(main, ["inspect", "a.plic", "--json"]).stdout
    assert CliRunner().invoke(main, ["decode", "a.plic", "-o", "b.png", "--model", "w.safetensors"]).exit_code == 0


def test_target_bpp(here: Path, ends: tuple[tuple[float, float], ...]) -> None:
    goal = f"{math.sqrt(ends[0][0] * ends[1][0]):.2f}"
    result = run("--target-bpp", goal)
    assert result.exit_code == 0
    line = r"a\.png -> a\.plic: \d+ bytes, \d\.\d{4} bpp, quality [\d.]+, \d+ encodes\n"
    assert re.fullmatch(line, result.stderr)
    assert bpp_of("a.plic") <= float(goal)


def test_target_psnr(here: Path, ends: tuple[tuple[float, float], ...]) -> None:
    result = run("--target-psnr", f"{min(ends[0][1], ends[1][1]) - 0.01:.3f}")
    assert result.exit_code == 0
    assert re.search(r"bpp, \d+\.\d{3} dB, quality 0, \d encodes\n$", result.stderr)


class Swells(Refiner):
    """Says that a larger file is a better one, and is right about the cost as far as lambda goes."""

    def refine(self, start: Latents, objective: Objective) -> Latents:
        return Latents(start.y * 1.05, start.z)


def test_refining_keeps_to_the_target(
    here: Path, ends: tuple[tuple[float, float], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    goal = f"{math.sqrt(ends[0][0] * ends[1][0]):.2f}"
    run("--target-bpp", goal)
    plain = Path("a.plic").read_bytes()
    result = run("--target-bpp", goal, "--refine", "lof", "--refine-iterations", "3", "--lambda", "1e-6", "-f")
    assert result.exit_code == 0
    assert "encodes, cost " in result.stderr
    assert bpp_of("a.plic") <= float(goal)
    assert Path("a.plic").read_bytes() != plain
    monkeypatch.setattr(LatentOverfitting, "refine", Swells.refine)
    result = run("--target-bpp", goal, "--refine", "lof", "--lambda", "1e9", "-f")
    assert result.exit_code == 0
    assert Path("a.plic").read_bytes() == plain
    assert "(+0.00 %)" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target-bpp", "1", "--quality", "3"], "got:      --quality and --target-bpp"),
        (["--target-bpp", "1", "--target-psnr", "30"], "got:      --target-bpp and --target-psnr"),
        (["--target-bpp", "0"], "0.0 is not in the range x>0"),
        (["--target-psnr", "nan"], "a target is a positive number"),
        (["--target-bpp", "0.001"], "no quality of recipe 'house' meets the target for a.png"),
        (["--quality", "7.5"], "recipe 'house' has no such quality"),
        (["--quality", "nan"], "recipe 'house' has no such quality"),
    ],
    ids=str,
)
def test_refusals(here: Path, arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert not Path("a.plic").exists()


def test_one_quality(here: Path) -> None:
    result = run("--target-bpp", "1", model="one.safetensors")
    assert result.exit_code == 2
    assert "has one quality, so there is nothing to search" in result.stderr
