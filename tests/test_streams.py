"""Streams: batches, coders, extreme latents, weights files and headers, beyond what test_conformance.py checks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from lossless import Latents, assert_lossless, equal, needed
from PIL import Image
from small import RECIPES, end_of_trunk, photograph, small_codec, small_frozen

import plic
from plic.core.container import Header, Section, SectionKind, Stream, describe, unpack
from plic.core.errors import PlicError, StreamMismatch
from plic.core.recipe import list_recipes, load_recipe


@pytest.fixture
def latents(monkeypatch: pytest.MonkeyPatch) -> Latents:
    return Latents(monkeypatch)


def same_picture(a: Image.Image, b: Image.Image) -> bool:
    return np.array_equal(np.asarray(a), np.asarray(b))


# --- batches ----------------------------------------------------------------------------------------------------


def test_batches_hold_one_size_and_one_quality() -> None:
    codec = small_frozen("house")
    a, b = photograph(64, 48), photograph(96, 48)
    with pytest.raises(PlicError, match="pictures of one batch must have the same size"):
        codec.encode_batch([a, b])
    for streams in ([codec.encode(a), codec.encode(b)], [codec.encode(a, quality=q) for q in (0, 1)]):
        with pytest.raises(PlicError, match="streams of one batch must agree"):
            codec.decode_batch([unpack(data) for data in streams])


# --- coders, execution, range of the symbols --------------------------------------------------------------------------


@pytest.mark.parametrize("coder", ["torchac", "constriction"])
def test_coders_need_much_the_same_bytes(coder: str) -> None:
    codec, picture = small_frozen("house"), photograph(256, 192)
    own = codec.encode(picture, quality=0)  # the quality at which untrained probabilities are not absurd
    assert len(codec.encode(picture, quality=0, coder=needed(coder))) == pytest.approx(len(own), rel=0.03)


@pytest.mark.parametrize("recipe", ["minnen2018", "fu2021", "chen2019", "ma2021"])
def test_fronts_are_the_same_order_one_by_one(recipe: str, latents: Latents) -> None:
    picture = photograph(100, 68)
    codecs = [small_frozen(recipe), small_frozen(recipe, schedule__execution="serial")]
    coded = [codec.encode_batch([picture], count_bits=True)[0] for codec in codecs]
    taken = latents.take()
    assert equal(taken[:2], taken[2:])
    assert coded[0].bits == pytest.approx(coded[1].bits, abs=1e-6)
    assert same_picture(*(codec.decode(one.data) for codec, one in zip(codecs, coded, strict=True)))
    taken = latents.take()
    assert equal(taken[:2], taken[2:])


@pytest.mark.parametrize("recipe", RECIPES)
def test_huge_latents(recipe: str, latents: Latents) -> None:
    codec = small_codec(recipe)
    last = end_of_trunk(codec.transform)[0].weight
    with torch.no_grad():
        last.mul_(min(1e4, 6e4 / float(last.abs().max())))  # weights files hold numbers up to 65504
    assert_lossless(codec.eval().freeze(), latents)
    assert latents.largest > 2**13


@pytest.mark.parametrize("coder", ["range", "torchac", "constriction"])
def test_symbols_up_to_the_limit(coder: str, latents: Latents) -> None:
    codec = small_codec("house")
    with torch.no_grad():
        dict(codec.rate.named_parameters())["log_gain"].add_(20)
    assert_lossless(codec.eval().freeze(), latents, coder=needed(coder))
    assert latents.largest == 2**30


# --- weights files, qualities, headers ------------------------------------------------------------------------------


def test_weights_files_are_reproducible(tmp_path: Path) -> None:
    paths = [tmp_path / f"{index}.safetensors" for index in range(8)]
    for path in paths:
        small_frozen("house").save(path)
    assert len({path.read_bytes() for path in paths}) == 1


def test_streams_of_other_weights_are_refused() -> None:
    data = small_frozen("house").encode(photograph(40, 30))
    other = small_codec("house")
    with torch.no_grad():
        next(other.context.parameters()).add_(0.1)
    for codec in (other.eval().freeze(), small_frozen("house", context__slope=0.3), small_frozen("he2021")):
        with pytest.raises(StreamMismatch, match="made with other weights"):
            codec.decode(data)


def test_qualities() -> None:
    codec, picture = small_frozen("house"), photograph(96, 64)
    streams = [codec.encode(picture, quality=quality) for quality in range(8)]
    assert [unpack(data).header.quality for data in streams] == list(range(8))
    assert len(streams[0]) < len(streams[7])
    assert codec.encode(picture) == streams[7]
    for quality in (-1, 8, 255, 10**6):
        with pytest.raises(PlicError, match="no such quality") as caught:
            codec.encode(picture, quality=quality)
        assert caught.value.expected == "0 to 7"


def test_quality_of_a_weights_file(tmp_path: Path) -> None:
    path, picture = tmp_path / "weights.safetensors", photograph(40, 30)
    small_frozen("house").save(path)
    codec = plic.load(path, quality=2)
    assert unpack(codec.encode(picture)).header.quality == 2
    with pytest.raises(PlicError, match="no such quality"):
        plic.load(path, quality=8)


def test_overhead_of_the_default_recipe() -> None:
    facts = describe(unpack(small_frozen("house").encode(photograph(767, 511))))
    about_the_picture = sum(section.size for section in facts.sections) + facts.offsets_bytes
    assert facts.overhead_bytes == facts.file_bytes - about_the_picture
    assert facts.overhead_bytes <= 40
    before_payloads = facts.sections[0].offset - facts.offsets_bytes
    assert before_payloads == facts.overhead_bytes - 2 * 4 <= 32  # less two CRC-32


@pytest.mark.parametrize("recipe", list_recipes())
def test_headers_of_all_recipes(recipe: str) -> None:
    header = Header(recipe=recipe, fingerprint=bytes(4), width=11000, height=12000, quality=7, digest=2**32 - 1)
    sections = [Section(SectionKind.LATENT, bytes(2**21 - 1))]
    if load_recipe(recipe).side_information is not None:
        sections.append(Section(SectionKind.SIDE, bytes(2**17)))
    assert describe(Stream(header, tuple(sections))).header_bytes <= 25 + len(recipe)
