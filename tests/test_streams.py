"""Streams: any thread count, batch and coder decodes to exactly the latents that were encoded; what a stream costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from lossless import Latents, assert_lossless, equal, needed
from PIL import Image
from small import RECIPES, photograph, small_codec, small_frozen
from torch import Tensor

import plic
from plic.core.container import Header, Section, SectionKind, Stream, describe, unpack
from plic.core.errors import PlicError, StreamMismatch
from plic.core.frozen import FrozenCodec
from plic.core.image import Picture
from plic.core.recipe import list_recipes, load_recipe

LAST_WEIGHTS = ("analysis_layers.6.weight", "analysis_layers.7.weight", "to_latent.weight")
"""Of the analysis transforms, by the start of the name."""


@pytest.fixture
def latents(monkeypatch: pytest.MonkeyPatch) -> Latents:
    return Latents(monkeypatch)


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def same_picture(a: Image.Image, b: Image.Image) -> bool:
    return np.array_equal(np.asarray(a), np.asarray(b))


# --- threads and batches --------------------------------------------------------------------------------------------


def encode_all(codec: FrozenCodec, pictures: list[Image.Image], batched: bool) -> list[bytes]:
    groups = [pictures] if batched else [[picture] for picture in pictures]
    return [coded.data for group in groups for coded in codec.encode_batch(group)]


def decode_all(codec: FrozenCodec, streams: Sequence[bytes], batched: bool) -> list[Picture]:
    groups = [streams] if batched else [[stream] for stream in streams]
    return [picture for group in groups for picture in codec.decode_batch([unpack(data) for data in group])]


def by_picture(taken: tuple[Tensor, ...], batched: bool) -> list[Tensor]:
    """In the order of single coding: the latents of the first of two pictures, then those of the second."""
    return [*taken[::2], *taken[1::2]] if batched else list(taken)


@pytest.mark.parametrize("recipe", RECIPES)
def test_threads_and_batches(recipe: str, latents: Latents) -> None:
    codec = small_frozen(recipe)
    pictures = [photograph(80, 49, seed) for seed in (1, 2)]
    ways = list(product((1, 2), (False, True)))
    encoded: dict[tuple[bytes, ...], list[Tensor]] = {}
    for count, batched in ways:
        with threads(count):
            streams = tuple(encode_all(codec, pictures, batched))
        taken = by_picture(latents.take(), batched)
        assert equal(encoded.setdefault(streams, taken), taken)
    for streams, wanted in encoded.items():  # mostly the same bytes every time: a transform's last bit rarely matters
        for count, batched in ways:
            with threads(count):
                decode_all(codec, streams, batched)
            assert equal(by_picture(latents.take(), batched), wanted)


@pytest.mark.parametrize("recipe", RECIPES)
def test_probability_networks_give_the_same_bits(recipe: str) -> None:
    """Small latents seldom show a last bit that differs; the networks' outputs themselves do."""
    networks = small_frozen(recipe).networks
    part, channels = networks.side_information, networks.transform.latent_channels
    generator = torch.Generator().manual_seed(4)
    values = torch.randint(-300, 300, (3, channels, 13, 18), generator=generator).double()
    z = None if part is None else torch.randint(-300, 300, (3, part.channels, 4, 5), generator=generator).double()

    def outputs(chosen: slice) -> Tensor:
        side = None if part is None or z is None else part.synthesis(z[chosen], 13, 18)
        return networks.context.parameters_all(values[chosen], side)

    with torch.inference_mode(), threads(1):
        reference = outputs(slice(None))
        assert torch.equal(outputs(slice(1, 2)), reference[1:2])
        with threads(2):
            assert torch.equal(outputs(slice(None)), reference)
            assert torch.equal(outputs(slice(2)), reference[:2])


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
@pytest.mark.parametrize("recipe", RECIPES)
def test_coders_decode_to_identical_latents(recipe: str, coder: str, latents: Latents) -> None:
    codec, picture = small_frozen(recipe), photograph(160, 128)
    own, other = codec.encode(picture), codec.encode(picture, coder=needed(coder))
    latents.take()
    pictures = [codec.decode(own), codec.decode(other)]
    half = len(latents.kept) // 2
    taken = latents.take()
    assert equal(taken[:half], taken[half:])
    assert same_picture(*pictures)
    assert unpack(other).header.coder == coder


@pytest.mark.parametrize("coder", ["torchac", "constriction"])
def test_coders_need_much_the_same_bytes(coder: str) -> None:
    codec, picture = small_frozen("house"), photograph(256, 192)
    own = codec.encode(picture, quality=0)  # the quality at which untrained probabilities are not absurd
    assert len(codec.encode(picture, quality=0, coder=needed(coder))) == pytest.approx(len(own), rel=0.03)


@pytest.mark.parametrize("recipe", ["minnen2018", "fu2021"])
def test_raster_in_fronts_is_raster_one_by_one(recipe: str, latents: Latents) -> None:
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
    last = [parameter for name, parameter in codec.transform.named_parameters() if name.startswith(LAST_WEIGHTS)]
    with torch.no_grad():
        last[0].mul_(min(1e4, 6e4 / float(last[0].abs().max())))  # weights files hold numbers up to 65504
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


@pytest.mark.parametrize("recipe", RECIPES)
def test_weights_files_decode_streams_of_the_original(recipe: str, tmp_path: Path) -> None:
    original, path = small_frozen(recipe), tmp_path / "weights.safetensors"
    original.save(path)
    loaded = plic.load(path)
    picture = photograph(75, 50)
    data = original.encode(picture)
    assert (loaded.recipe.name, loaded.fingerprint) == (recipe, original.fingerprint)
    assert same_picture(loaded.decode(data), original.decode(data))
    assert torch.equal(loaded.decode_latents(data), original.decode_latents(data))


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
    assert facts.overhead_bytes == facts.file_bytes - sum(section.size for section in facts.sections)
    assert facts.overhead_bytes <= 40
    assert facts.sections[0].offset == facts.overhead_bytes - 2 * 4 <= 32  # all before the payloads, less two CRC-32


@pytest.mark.parametrize("recipe", list_recipes())
def test_headers_of_all_recipes(recipe: str) -> None:
    header = Header(recipe=recipe, fingerprint=bytes(4), width=11000, height=12000, quality=7, digest=2**32 - 1)
    sections = [Section(SectionKind.LATENT, bytes(2**21 - 1))]
    if load_recipe(recipe).side_information is not None:
        sections.append(Section(SectionKind.SIDE, bytes(2**17)))
    assert describe(Stream(header, tuple(sections))).header_bytes <= 40
