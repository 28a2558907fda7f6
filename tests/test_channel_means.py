"""`channel_means`: decoded pictures keep the mean of each colour channel, whatever the codec does to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from small import photograph, small_codec, small_frozen

import plic
from plic.cli import main
from plic.core.container import Limits, Stream, describe, pack, unpack
from plic.core.errors import RecipeError, StreamError, WeightsError
from plic.core.frozen import FrozenCodec
from plic.core.image import Picture, channel_offsets, from_tensor, read_picture
from plic.core.recipe import load_recipe, recipe_from_text, recipe_schema
from plic.core.refining import Budget, encode_refined
from plic.core.registry import default_registry
from plic.core.stages import StageTimes
from plic.core.targeting import encode_to_target

NEAR = 0.1
"""Grey levels by which the mean of a channel may be off."""
MODES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "RGB": lambda image: image,
    "RGBA": lambda image: with_alpha(image),
    "L": lambda image: image.convert("L"),
    "LA": lambda image: with_alpha(image.convert("L")),
    "P": lambda image: image.convert("P"),
    "I;16": lambda image: Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257),
}


RECIPE = "minnen2018-mean"
LEVELS: dict[str, Any] = {"rate__use": "gain", "rate__levels": 4, "training__lambdas": (0.002, 0.005, 0.01, 0.02)}
"""Makes of it a codec of four qualities."""


def with_alpha(image: Image.Image) -> Image.Image:
    image = image.copy()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def text() -> Image.Image:
    """Black strokes on white: nearly everything is clipped."""
    picture = np.full((70, 90, 3), 255, dtype=np.uint8)
    picture[10:60:7, 5:80] = (0, 20, 60)
    return Image.fromarray(picture)


def plain_and_kept(bias: float = 0.0, **changes: Any) -> tuple[FrozenCodec, FrozenCodec]:
    """A codec without and with the key, whose synthesis is brighter by ``bias`` of the range than it was."""
    codec = small_codec(RECIPE, **LEVELS, **changes).eval().freeze()
    transform = codec.networks.transform
    synthesis = transform.synthesis
    transform.synthesis = lambda y_hat: synthesis(y_hat) + bias  # type: ignore[method-assign]
    return with_means(codec, False), with_means(codec)


def with_means(codec: FrozenCodec, kept: bool = True) -> FrozenCodec:
    recipe = replace(codec.recipe, channel_means=kept)
    return FrozenCodec(recipe, codec.networks, codec.schedule, codec.quantizer, codec.coder)


def without_offsets(data: bytes) -> bytes:
    stream = unpack(data)
    return pack(Stream(replace(stream.header, offsets=()), stream.sections))


def errors(decoded: Picture, original: Picture) -> npt.NDArray[np.float64]:
    difference = decoded.pixels.astype(np.float64) - original.pixels
    mean: npt.NDArray[np.float64] = difference.mean(axis=(0, 1))
    return np.abs(mean)


# --- means are kept -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [0.0, 0.2, 0.45])
@pytest.mark.parametrize("picture", [photograph(61, 47), text()], ids=["photograph", "text"])
def test_means_are_kept_also_where_values_are_clipped(picture: Image.Image, bias: float) -> None:
    plain, kept = plain_and_kept(bias=bias)
    original = read_picture(picture)
    for quality in (0, 1.5, 3):
        before, after = (codec.encode(picture, quality=quality) for codec in (plain, kept))
        assert errors(plain.decode_picture(before), original).max() > 1
        assert errors(kept.decode_picture(after), original).max() < NEAR
        assert without_offsets(after) == before, "nothing else in the stream changes"
        assert len(after) - len(before) == describe(unpack(after)).offsets_bytes + (quality == int(quality))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.filterwarnings("ignore::plic.core.image.PrecisionWarning")
def test_all_modes(mode: str) -> None:
    plain, kept = plain_and_kept()
    image = MODES[mode](photograph(40, 33))
    original, data = read_picture(image), kept.encode(image)
    offsets = unpack(data).header.offsets
    assert len(offsets) == (1 if original.grey else 3)
    decoded = plain.decode_picture(data)  # any decoder of these weights does it
    assert errors(decoded, original).max() < NEAR
    assert decoded.grey == original.grey
    if original.alpha is not None:
        assert decoded.alpha is not None
        assert np.array_equal(decoded.alpha, original.alpha)
    assert without_offsets(data) == plain.encode(image)


@pytest.mark.parametrize("recipe", ["minnen2018", "cheng2020-anchor", "zhang2022-baseline", "minnen2020"])
def test_other_recipes(recipe: str) -> None:
    picture = photograph(50, 40)
    data = with_means(small_frozen(recipe)).encode(picture)
    assert errors(small_frozen(recipe).decode_picture(data), read_picture(picture)).max() < NEAR


def test_pieces_are_those_of_the_decoder() -> None:
    plain, kept = plain_and_kept(tile=2)
    picture = photograph(150, 131)
    assert errors(plain.decode_picture(kept.encode(picture)), read_picture(picture)).max() < NEAR


def test_a_batch_gives_the_streams_that_its_pictures_give_alone() -> None:
    kept = with_means(small_frozen(RECIPE, **LEVELS))
    pictures = [photograph(45, 60, seed) for seed in range(3)] + [photograph(48, 64), photograph(45, 60).convert("L")]
    batch = kept.encode_batch(pictures, quality=2)
    assert [one.data for one in batch] == [kept.encode(picture, quality=2) for picture in pictures]
    decoded = kept.decode_batch([unpack(one.data) for one in batch])
    assert max(errors(one, read_picture(picture)).max() for one, picture in zip(decoded, pictures, strict=True)) < NEAR


def test_refined_latents_and_targets() -> None:
    kept, picture = with_means(small_frozen(RECIPE, **LEVELS)), photograph(48, 40)
    original = read_picture(picture)
    for data in (
        encode_refined(kept, picture, "lof", multiplier=0.02, budget=Budget(3)).data,
        encode_to_target(kept, picture, bpp=5.0).data,
    ):
        assert unpack(data).header.offsets
        assert errors(kept.decode_picture(data), original).max() < NEAR


def test_time_counts_as_that_of_the_transform() -> None:
    plain, kept = plain_and_kept()

    def spent(codec: FrozenCodec) -> StageTimes:
        times = StageTimes()
        codec.encode_latents([picture], latents, times=times)
        return times

    picture = read_picture(photograph(64, 64))
    latents = kept.analyse([picture])
    synthesis = [spent(codec).transform for codec in (plain, kept)]
    assert synthesis[0] == 0.0 < synthesis[1]


# --- the search for offsets -----------------------------------------------------------------------------------------

VALUES = st.floats(-1, 2, width=32)


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=12), st.integers(0, 255), st.integers(0, 255), st.booleans())
def test_no_offset_is_much_better(values: list[float], first: int, second: int, grey: bool) -> None:
    plane = torch.tensor(values)
    x_hat = plane.expand(1, 3, 1, -1).clone()
    pixels = np.full((1, len(values), 3), first, dtype=np.uint8)
    pixels[:, ::2] = second
    original = Picture(pixels, grey=grey)
    offsets = channel_offsets(x_hat, original) or (0,)
    assert len(offsets) == 1 or (len(offsets) == 3 and not grey)
    found = errors(from_tensor(x_hat, grey=grey, offsets=offsets), original)
    every = torch.arange(-4080, 4081)[:, None] / 4080
    means = (plane + every).clamp(0, 1).mul(255).round().double().mean(dim=1) - float(pixels.mean(dtype=np.float64))
    nearest = [int(index) - 4080 for index in means.abs().argsort()[:40]]  # where pixels lie on a half, they are others
    best = min(errors(from_tensor(x_hat, grey=grey, offsets=(o,) * len(offsets)), original).max() for o in nearest)
    assert found.max() <= best + 1 / 16 + 1e-3


def test_flat_areas_are_not_left_at_a_jump() -> None:
    original = Picture(np.full((8, 8, 3), 100, dtype=np.uint8))
    for level in (100.3, 100.6, 99.2, 140.0):
        offsets = channel_offsets(torch.full((1, 3, 8, 8), level / 255), original) or (0, 0, 0)
        assert offsets[0] / 16 + level == pytest.approx(100, abs=1 / 16)


def test_out_of_reach_and_nothing_to_do() -> None:
    black = Picture(np.zeros((4, 4, 3), dtype=np.uint8))
    white = Picture(np.full((4, 4, 3), 255, dtype=np.uint8))
    bright = torch.full((1, 3, 4, 4), 5.0)
    assert channel_offsets(bright, white) == ()
    channel_offsets(bright, black)  # no offset helps: any will do
    assert channel_offsets(-bright, black) == ()
    with pytest.raises(WeightsError, match="not finite"):
        channel_offsets(torch.full((1, 3, 4, 4), torch.nan), black)


# --- the stream -----------------------------------------------------------------------------------------------------


def test_every_damaged_bit_is_found() -> None:
    kept = with_means(small_frozen(RECIPE, **LEVELS))
    data = kept.encode(photograph(16, 16), quality=0)
    description = describe(unpack(data))
    assert description.offsets_bytes >= 3
    for bit in range(8 * description.header_bytes):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(StreamError):
            kept.decode(bytes(changed))


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.integers(-4080, 4080)] * 3))
def test_any_offsets_decode(offsets: tuple[int, ...]) -> None:
    codec = small_frozen(RECIPE, **LEVELS)
    stream = unpack(codec.encode(photograph(16, 16), quality=0))
    data = pack(Stream(replace(stream.header, offsets=offsets), stream.sections))
    assert codec.decode_picture(data, limits=Limits()).width == 16


def test_inspect_shows_them(tmp_path: Path) -> None:
    data = with_means(small_frozen(RECIPE, **LEVELS)).encode(photograph(30, 20))
    (tmp_path / "a.plic").write_bytes(data)
    offsets = unpack(data).header.offsets
    run = CliRunner()
    shown = run.invoke(main, ["inspect", str(tmp_path / "a.plic")]).output
    assert f"{' '.join(f'{offset / 16:+g}' for offset in offsets)} grey levels" in shown
    facts = json.loads(run.invoke(main, ["inspect", str(tmp_path / "a.plic"), "--json"]).output)
    assert facts["offsets"] == list(offsets)
    assert facts["file_bytes"] == len(data)
    sections = sum(section["size"] for section in facts["sections"])
    assert facts["overhead_bytes"] + facts["offsets_bytes"] + sections == len(data)


# --- the recipe -----------------------------------------------------------------------------------------------------


def test_the_key_is_written_when_true_and_shapes_no_decoder(tmp_path: Path) -> None:
    off, on = load_recipe("house", {"channel_means": False}), load_recipe("house", {"channel_means": True})
    assert not off.channel_means
    assert on.channel_means
    assert off.fingerprint() == on.fingerprint()
    assert "channel_means" not in off.to_yaml()
    assert on.to_yaml().count("channel_means: true") == 1
    for recipe in (off, on):
        again = recipe_from_text(recipe.to_yaml(), "here")
        assert (again.channel_means, again.fingerprint()) == (recipe.channel_means, recipe.fingerprint())
    path = tmp_path / "mine.yaml"
    path.write_text("plic: 1\nname: mine\nextends: he2021\nchannel_means: true\n")
    assert load_recipe(path).channel_means
    assert not load_recipe("he2021").channel_means


@pytest.mark.parametrize("value", ["yes", "1", "[true]"])
def test_other_values_are_refused(tmp_path: Path, value: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"plic: 1\nname: mine\nextends: he2021\nchannel_means: {value}\n")
    with pytest.raises(RecipeError, match=r"mine.yaml:4: channel_means is no yes or no"):
        load_recipe(path)
    assert "channel_means" in recipe_schema(default_registry())["properties"]


def test_weights_files_keep_it(tmp_path: Path) -> None:
    plain, kept = plain_and_kept()
    picture, streams = photograph(30, 20), []
    for codec in (plain, kept):
        path = tmp_path / "weights.safetensors"
        codec.save(path)
        again = plic.load(path)
        assert again.recipe.channel_means == codec.recipe.channel_means
        assert again.fingerprint == plain.fingerprint
        streams.append(again.encode(picture))
        assert streams[-1] == codec.encode(picture)
    assert without_offsets(streams[1]) == streams[0] != streams[1]
