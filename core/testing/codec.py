"""Contract of whole codecs: what any composition of parts promises."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from ..api import build, load
from ..codec import Codec
from ..container import unpack
from ..errors import PluginError
from ..frozen import FrozenCodec
from ..image import to_tensor
from ..image.reading import read_picture
from ..recipe import recipe_from_text
from ..registry import default_registry
from ..slots import LatentShape
from ..slots.coder import Coder
from ..threads import threads
from .broken import require
from .causality import require_no_peeking, require_steps_are_the_whole
from .compare import require_finite, require_gradients, require_same_bits, require_shape
from .contract import Contract, contract, for_any
from .data import enlivened, latent, on_grid, pictures, seeds, sides
from .lively import with_life

RATE_TOLERANCE = 0.03
"""Relative difference between the estimated rate and the cross-entropy of what is coded."""
OVERHEAD = 0.01
"""Relative difference between that and the bytes written, and what each stream and step may add."""
BYTES_PER_STREAM, BYTES_PER_STEP = 48, 4
LEARNING_RATE = 2e-3
OUTLIERS = 97
"""One element in so many is far from the others."""


def _pixels(self: CodecContract) -> st.SearchStrategy[int]:
    return st.integers(1, self.stride_sides * self.make().stride)


class CodecContract(Contract):
    """What every composition of parts promises.

    Attributes:
        recipe: name or path.
        overrides: changed settings, as for `plic.build`; make the networks small.
        rate_overrides: more of them for the comparison of the estimated rate with the real one: an untrained model
            meets values so unlikely that a likelihood floor above 2^-30 would count.
        stride_sides: greatest height and width of a picture that is tried, in strides of the transform.
        training_steps: taken on one batch, which must lower the loss.
    """

    plic_slot = "codec"
    examples = 4
    recipe: ClassVar[str | Path]
    overrides: ClassVar[Mapping[str, Any]] = {}
    rate_overrides: ClassVar[Mapping[str, Any]] = {}
    stride_sides: ClassVar[int] = 4
    training_steps: ClassVar[int] = 15

    def make(self, **overrides: Any) -> Codec:
        """A trainable codec with fresh weights, the same each time; ``overrides`` are added to those of the class."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            return build(self.recipe, {**self.overrides, **overrides})

    @cached_property
    def frozen(self) -> FrozenCodec:
        """A codec for coding whose latents have some life."""
        return with_life(self.make()).eval().freeze()

    def described(self) -> str:
        changed = ", ".join(f"{key}={value!r}" for key, value in self.overrides.items())
        return f"recipe {self.recipe} with {changed or 'nothing changed'}"

    # --- coding -----------------------------------------------------------------------------------------------------

    @for_any(height=_pixels, width=_pixels, seed=seeds)
    def test_any_picture_size(self, height: int, width: int, seed: int) -> None:
        """Pictures of any size from 1x1 come back in their size, and the same each time."""
        codec, picture = self.frozen, _photograph(seed, height, width)
        data = codec.encode(picture)
        decoded = codec.decode(data)
        require(decoded.size == picture.size, "the size changes", got=decoded.size, expected=picture.size)
        same = np.array_equal(np.asarray(codec.decode(data)), np.asarray(decoded))
        require(same, "decoding twice gives two pictures")

    @for_any(height=sides(6), width=sides(6), seed=seeds)
    def test_latents_are_lossless(self, height: int, width: int, seed: int) -> None:
        """The decoder has the very latents that the encoder has: any values, any size, with every installed coder."""
        channels = self.frozen.networks.transform.latent_channels
        model, shape = self.frozen.entropy_model, LatentShape(channels, height, width)
        y = _wild(seed, 2, *shape.dimensions)
        reference: Tensor | None = None
        for name, coder in _coders():
            with torch.inference_mode():
                coded = model.encode(model.latents(y), coder)
                decoded = torch.cat([model.decode([one], shape, coder).y.values for one in coded.payloads])
            values = coded.y.values
            require_same_bits(decoded, values, "decoded latents are not those that were encoded", f"coder {name}")
            reference = values if reference is None else reference
            require_same_bits(values, reference, "latents depend on the coder", f"coder {name}")

    @for_any(height=sides(6), width=sides(6), seed=seeds)
    def test_no_peeking(self, height: int, width: int, seed: int) -> None:
        """No step's parameters depend on elements that are not decoded yet, and the steps agree with a whole pass."""
        networks, model = self.frozen.networks, self.frozen.entropy_model.y
        part, channels = networks.side_information, networks.transform.latent_channels
        values = latent(seed, 1, channels, height, width)
        side = None if part is None else on_grid(seed + 1, 1, part.features, height, width)
        steps = model.steps(LatentShape(channels, height, width))
        require_no_peeking(model.context, steps, values, side, seed + 2)
        require_steps_are_the_whole(model.context, steps, values, side)

    @contract
    def test_threads_and_batches(self) -> None:
        """What is encoded with any number of threads, alone or in a batch, decodes to the same with any other."""
        codec = self.frozen
        side = codec.networks.transform.stride + 5
        images = [_photograph(seed, side, side + 11) for seed in range(2)]
        streams: set[tuple[bytes, ...]] = set()
        for count, groups in ((1, [images]), (2, [[image] for image in images])):
            with threads(count):
                streams.add(tuple(coded.data for group in groups for coded in codec.encode_batch(group)))
        for pair in streams:  # mostly the same bytes every time: a transform's last bit rarely matters
            found = []
            for count in (1, 2):
                with threads(count):
                    found.append(torch.cat([codec.decode_latents(data) for data in pair]))
            codec.decode_batch([unpack(data) for data in pair])  # compares the digest of all symbols
            require_same_bits(found[1], found[0], "latents depend on the number of threads of the decoder")

    @contract
    def test_files_are_what_the_model_promises(self) -> None:
        """The estimated rate is that of the integers that are coded, and files need little more."""
        codec = with_life(self.make(**self.rate_overrides)).eval()
        side = 5 * codec.stride
        picture = _photograph(3, side, side)
        with torch.no_grad():
            output = codec(to_tensor(read_picture(picture)))
        estimated = float(output.bits_y + output.bits_z)
        frozen = codec.freeze()
        coded = frozen.encode_batch([picture], count_bits=True)[0]
        near = abs(coded.bits - estimated) <= RATE_TOLERANCE * estimated + 16
        expected = f"{estimated:.0f} bits, within {RATE_TOLERANCE:.0%}"
        problem = "the estimated rate is not that of what is coded"
        require(near, problem, got=f"{coded.bits:.0f} bits", expected=expected)
        steps = len(frozen.entropy_model.y.steps(LatentShape(codec.transform.latent_channels, 5, 5))) + 1
        size = sum(len(section.payload) for section in unpack(coded.data).sections)
        most = coded.bits / 8 * (1 + OVERHEAD) + BYTES_PER_STREAM + BYTES_PER_STEP * steps
        expected = f"at most {most:.0f} bytes"
        require(size <= most, "files are larger than the model promises", got=size, expected=expected)

    # --- configuration and weights ----------------------------------------------------------------------------------

    @contract
    def test_configuration_survives_a_round_trip(self) -> None:
        """The resolved recipe, written and read again, is the same recipe."""
        recipe = self.make().recipe
        text = recipe.to_yaml()
        again = recipe_from_text(text, "its own text")
        require(again.to_yaml() == text, "the recipe changes", got=again.to_yaml(), expected=text)
        same = again.fingerprint() == recipe.fingerprint()
        require(same, "the fingerprint changes", got=again.fingerprint(), expected=recipe.fingerprint())

    @contract
    def test_weights_survive_a_round_trip(self) -> None:
        """A weights file makes a codec that decodes the streams of the original to the same latents and picture."""
        original = self.make().eval().freeze()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "weights.safetensors"
            original.save(path)
            loaded = load(path)
        got, expected = loaded.fingerprint.hex(), original.fingerprint.hex()
        require(got == expected, "the fingerprint changes", got=got, expected=expected)
        data = original.encode(_photograph(5, 40, 51))
        problem = "the loaded codec decodes other latents"
        require_same_bits(loaded.decode_latents(data), original.decode_latents(data), problem)
        same = np.array_equal(np.asarray(loaded.decode(data)), np.asarray(original.decode(data)))
        require(same, "the loaded codec decodes another picture")

    # --- training ---------------------------------------------------------------------------------------------------

    @contract
    def test_training_pass(self) -> None:
        """A pass over a batch gives a reconstruction and finite bits of each image, in training and in evaluation."""
        codec = self.make()
        x = pictures(0, 2, 2 * codec.stride, 3 * codec.stride)
        for training in (True, False):
            output = codec.train(training)(x)
            require_shape(output.x_hat, tuple(x.shape), "the reconstruction")
            for name, values in (("reconstruction", output.x_hat), ("y", output.bits_y), ("z", output.bits_z)):
                require_finite(values, f"the {name if values.dim() > 1 else f'number of bits of {name}'}")
            require_shape(output.bits_y, (2,), "the number of bits of y")
            require_shape(output.bits_z, (2,), "the number of bits of z")
            least = float(torch.cat((output.bits_y, output.bits_z)).detach().min())
            require(least >= 0, "a number of bits is negative", got=least)

    @contract
    def test_gradients_reach_every_parameter(self) -> None:
        """In training every parameter receives a finite gradient."""
        codec = enlivened(with_life(self.make()).train())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            batch = max(8, codec.rate.levels)
            x = pictures(0, batch, 8 * codec.stride, 8 * codec.stride)
            output = codec(x, torch.arange(batch) % codec.rate.levels)
            (codec.distortion(x, output.x_hat).sum() + output.bits_y.sum() + output.bits_z.sum()).backward()
        require_gradients(codec)

    @contract
    def test_training_lowers_the_loss(self) -> None:
        """A few steps on one batch lower the loss, and what was trained can be frozen and codes."""
        codec = self.make().train()
        x = pictures(0, 2, 4 * codec.stride, 4 * codec.stride)
        optimizer = torch.optim.Adam(codec.parameters(), LEARNING_RATE)
        lambdas = codec.recipe.training.lambdas
        quality = torch.full((2,), codec.rate.levels - 1)
        losses = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            for _ in range(self.training_steps):
                output = codec(x, quality)
                bpp = (output.bits_y + output.bits_z) / x[0, 0].numel()
                loss = (bpp + lambdas[-1] * codec.distortion(x, output.x_hat)).mean()
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(codec.parameters(), codec.recipe.training.clip)
                optimizer.step()
                losses.append(float(loss.detach()))
        few = max(1, self.training_steps // 5)
        before, after = sum(losses[:few]) / few, sum(losses[-few:]) / few
        shown = [round(one, 3) for one in losses]
        require(after < before, "the loss does not fall", got=shown, expected=f"under {before:.3f} at the end")
        frozen = codec.eval().freeze()
        frozen.decode(frozen.encode(_photograph(0, 30, 20)))


def _photograph(seed: int, height: int, width: int) -> Image.Image:
    pixels = pictures(seed, 1, height, width)[0].movedim(0, 2) * 255
    return Image.fromarray(pixels.round().byte().numpy())


def _wild(seed: int, *shape: int) -> Tensor:
    """Latents of a few quantiser steps, with outliers."""
    generator = torch.Generator().manual_seed(seed)
    y = 2 * torch.randn(shape, generator=generator)
    far = torch.randint(OUTLIERS, shape, generator=generator) == 0
    return torch.where(far, y * 1e4, y)


def _coders() -> list[tuple[str, Coder]]:
    """Every coder that can be used here."""
    registry, found = default_registry(), []
    for name in registry.ids("coder"):
        try:
            coder: Coder = registry.part("coder", name)()
            coder.encoder()
        except PluginError:
            continue
        found.append((name, coder))
    return found
