"""Qualities between levels: the gains, the codec that takes them, and the streams that carry them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small import photograph, small_codec, small_frozen

import plic
from plic.core.container import pack, unpack
from plic.core.errors import PlicError, StreamMismatch
from plic.core.evaluation.metrics import psnr
from plic.core.frozen import FrozenCodec
from plic.core.image import read_picture
from plic.core.quality import checked_quality, quality_tensor
from plic.core.refining import Budget, encode_refined, multiplier_of
from plic.plugins.rate.fixed import FixedRate
from plic.plugins.rate.gain import Gain


def trained_gain() -> Gain:
    """Gains whose inverses are not exact any more."""
    torch.manual_seed(0)
    gain = Gain(5, levels=4)
    for parameter in gain.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape)
    return gain.requires_grad_(False)


# --- gains ----------------------------------------------------------------------------------------------------------


def test_gains_between_levels_are_geometric_means() -> None:
    gain, ones = trained_gain(), torch.ones(1, 5, 1, 1)
    for function in (gain.scale, gain.unscale):
        low, high = (function(ones, torch.tensor([level])) for level in (1, 2))
        for share in (0.25, 0.5, 0.9):
            between = function(ones, torch.tensor([1 + share]))
            torch.testing.assert_close(between, low ** (1 - share) * high**share)


def test_gain_times_inverse_is_what_was_learned() -> None:
    gain, y = trained_gain(), torch.randn(3, 5, 2, 2)
    quality = torch.tensor([0.0, 1.5, 2.75])
    back = gain.unscale(gain.scale(y, quality), quality)
    learned = gain.log_correction
    expected = torch.stack([learned[0], (learned[1] + learned[2]) / 2, learned[2] / 4 + 3 * learned[3] / 4]).exp()
    torch.testing.assert_close(back, y * expected[:, :, None, None])


def test_gradients_of_a_fraction_reach_both_neighbours() -> None:
    gain = trained_gain().requires_grad_(True)
    scaled = gain.scale(torch.ones(1, 5, 1, 1), torch.tensor([1.25]))
    (gradient,) = torch.autograd.grad(scaled.sum(), gain.log_gain)
    assert [bool(row.abs().sum() > 0) for row in gradient] == [False, True, True, False]


# --- what is asked and what a stream carries ------------------------------------------------------------------------


@given(st.floats(0, 3))
def test_qualities_are_snapped_to_the_steps_of_a_stream(quality: float) -> None:
    level = checked_quality(quality, trained_gain(), "any")
    assert abs(level - quality) <= 1 / 512
    assert float(level * 256).is_integer()
    assert isinstance(level, int) == (level == int(level))
    assert quality_tensor(level, 2).tolist() == [level, level]


@pytest.mark.parametrize("quality", [-1, -1e-9, 3.0000001, 4, math.nan, math.inf, -math.inf])
def test_qualities_that_there_are_not(quality: float) -> None:
    with pytest.raises(PlicError, match="no such quality") as caught:
        checked_quality(quality, trained_gain(), "any")
    assert caught.value.expected == "0 to 3"


def test_rates_that_do_not_interpolate_take_whole_qualities() -> None:
    stepwise = trained_gain()
    stepwise.interpolates = False
    for whole in (2, 2.0):
        assert repr(checked_quality(whole, stepwise, "any")) == "2"
    for fraction in (2.5, 2.0001):
        with pytest.raises(PlicError, match="no qualities between its levels") as caught:
            checked_quality(fraction, stepwise, "any")
        assert caught.value.expected == "2 or 3"
    with pytest.raises(PlicError, match="0, the only one"):
        checked_quality(0.5, FixedRate(5), "any")


# --- codecs ---------------------------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 7 * 256))
def test_streams_of_any_quality_decode(steps: int) -> None:
    codec, picture = small_frozen("house"), photograph(48, 33)
    data = codec.encode(picture, quality=steps / 256)
    assert unpack(data).header.quality == steps / 256
    assert codec.decode(data).size == picture.size


def test_streams_know_only_the_steps() -> None:
    codec, picture = small_frozen("house"), photograph(48, 33)
    assert codec.encode(picture, quality=3.0) == codec.encode(picture, quality=3)
    assert codec.encode(picture, quality=2.9999) == codec.encode(picture, quality=3)
    near = codec.encode(picture, quality=3.0021)  # the step above
    assert unpack(near).header.quality == 3 + 1 / 256
    assert len({codec.encode(picture, quality=quality) for quality in (3, 3.25, 3.5, 4)}) == 4


def test_batches_of_a_fraction_are_what_single_pictures_are() -> None:
    codec = small_frozen("house")
    pictures = [photograph(64, 48, seed) for seed in range(2)]
    together = [one.data for one in codec.encode_batch(pictures, quality=2.5)]
    assert [unpack(data).header.quality for data in together] == [2.5, 2.5]
    decoded = codec.decode_batch([unpack(data) for data in together])
    for data, picture in zip(together, decoded, strict=True):
        assert psnr(picture.pixels, codec.decode_picture(data).pixels) > 50
    with pytest.raises(PlicError, match="must agree in size, quality and coder"):
        codec.decode_batch([unpack(together[0]), unpack(codec.encode(pictures[1], quality=2.75))])


def test_loaded_codecs_take_a_fraction(tmp_path: Path) -> None:
    path, picture = tmp_path / "weights.safetensors", photograph(40, 30)
    small_frozen("house").save(path)
    data = plic.load(path, quality=2.25).encode(picture)
    assert unpack(data).header.quality == 2.25
    assert data == small_frozen("house").encode(picture, quality=2.25)


def test_streams_of_qualities_that_the_weights_do_not_have() -> None:
    codec = small_codec("house").eval().freeze()
    data = codec.encode(photograph(40, 30), quality=2.5)
    codec.networks.rate.interpolates = False
    stepwise = FrozenCodec(codec.recipe, codec.networks, codec.schedule, codec.quantizer, codec.coder)
    with pytest.raises(StreamMismatch, match="a quality that these weights do not have") as caught:
        stepwise.decode(data)
    assert (caught.value.got, caught.value.expected) == (2.5, "0 to 7, whole numbers only")
    stream = unpack(data)
    beyond = pack(replace(stream, header=replace(stream.header, quality=7.5)))
    with pytest.raises(StreamMismatch, match="a quality that these weights do not have") as caught:
        codec.decode(beyond)
    assert (caught.value.got, caught.value.expected) == (7.5, "0 to 7")


# --- refining -------------------------------------------------------------------------------------------------------


def test_lambda_between_levels_is_a_geometric_mean() -> None:
    codec = small_frozen("house")
    lambdas = codec.recipe.training.lambdas
    assert [multiplier_of(codec, level) for level in range(8)] == lambdas
    assert multiplier_of(codec, 2.5) == pytest.approx(math.sqrt(lambdas[2] * lambdas[3]))
    assert lambdas[6] < multiplier_of(codec, 6.0 + 1 / 256) < multiplier_of(codec, 7 - 1 / 256) < lambdas[7]


def test_refining_at_a_fraction() -> None:
    codec, picture = small_frozen("house"), photograph(48, 33)
    result = encode_refined(codec, picture, "lof", quality=3.25, budget=Budget(4))
    assert unpack(result.data).header.quality == 3.25
    assert result.after.total <= result.before.total
    assert codec.decode(result.data).size == picture.size


# --- the shipped weights --------------------------------------------------------------------------------------------


def test_rate_and_psnr_rise_between_levels() -> None:
    codec, picture = plic.load("house"), read_picture(photograph(256, 192))
    transformed = codec.transformed([picture])
    figures = []
    for steps in range(4 * 7 + 1):
        level = codec.level(steps / 4)
        data = codec.encode_latents([picture], codec.latents_at(transformed, level), quality=level)[0].data
        figures.append((len(data), psnr(picture.pixels, codec.decode_picture(data).pixels)))
    assert figures == sorted(figures)
    assert sorted(one for _, one in figures) == [one for _, one in figures]
