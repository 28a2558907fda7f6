"""The codec for coding: pictures to bytes and back, exact wherever a probability depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import PIL.Image
import torch
from torch import Tensor

from . import joints, tiling
from .batches import common_header, stack
from .bitstream import CodecIdentity, check_digest, make_stream, picture_of
from .container import Header, Limits, SectionKind, Stream, pack, unpack
from .container.stream import FINGERPRINT_BYTES
from .entropy import EntropyModel
from .errors import StreamMismatch, UnknownName
from .image import Picture, channel_offsets, crop, pad, padded_size, read_picture, to_pil, to_tensor
from .layers import fast_branches
from .networks import FrozenNetworks
from .quality import checked_quality, quality_tensor
from .slots import Latents, LatentShape, Quantizer, Schedule
from .slots.coder import Coder
from .stages import StageTimes

if TYPE_CHECKING:
    from .codec import Codec
    from .recipe import Recipe

Source = PIL.Image.Image | Picture


@dataclass(frozen=True)
class Encoded:
    """One encoded picture.

    Attributes:
        data: the ``.plic`` file.
        bits: the model's own cross-entropy of all symbols; NaN unless asked for.
    """

    data: bytes
    bits: float


class FrozenCodec:
    """Encodes pictures to ``.plic`` streams and decodes them. Cannot be trained.

    Made by ``Codec.freeze()``, or read from a weights file by `plic.load`.
    """

    def __init__(
        self, recipe: Recipe, networks: FrozenNetworks, schedule: Schedule, quantizer: Quantizer, coder: Coder
    ):
        self.recipe = recipe
        self.networks = networks
        self.schedule = schedule
        self.quantizer = quantizer
        self.coder = coder
        self.quality: float = networks.rate.levels - 1
        self.identity = CodecIdentity(
            recipe.name,
            networks.fingerprint(recipe.fingerprint())[:FINGERPRINT_BYTES],
            networks.rate.levels,
            networks.rate.interpolates,
            networks.side_information is not None,
        )
        self.entropy_model = EntropyModel(networks, schedule, quantizer.grid)

    @property
    def fingerprint(self) -> bytes:
        """Leading bytes of the SHA-256 over all frozen tensors, as streams carry them."""
        return self.identity.fingerprint

    @classmethod
    def of(cls, codec: Codec) -> FrozenCodec:
        """Freeze a trained codec.

        Raises:
            ExactnessError: a probability network cannot be made exact.
        """
        networks = FrozenNetworks.of(codec)
        return cls(codec.recipe, networks, codec.schedule, codec.quantizer, codec.coder)

    def save(self, path: Path) -> None:
        """Write a weights file: everything that decoding needs, the recipe included."""
        self.networks.save(path, self.recipe)

    def encode(
        self,
        image: Source,
        *,
        quality: float | None = None,
        coder: str | None = None,
        times: StageTimes | None = None,
    ) -> bytes:
        """One picture as a ``.plic`` stream.

        Args:
            image: any mode and size; see `plic.core.image.read_picture`.
            quality: level, 0 is the lowest, or a point between two (3.25); by default the codec's own `quality`.
            coder: id of another entropy coder than the recipe's.
            times: if given, seconds are added to it.
        """
        return self.encode_batch([image], quality=quality, coder=coder, times=times)[0].data

    def encode_batch(
        self,
        images: Sequence[Source],
        *,
        quality: float | None = None,
        coder: str | None = None,
        times: StageTimes | None = None,
        count_bits: bool = False,
    ) -> list[Encoded]:
        """Pictures of one size as streams; each stream is what encoding it alone gives, up to pixel rounding.

        Args:
            images: pictures that are padded to the same size.
            quality: level for all of them.
            coder: id of another entropy coder than the recipe's.
            times: if given, seconds are added to it.
            count_bits: also compute the model's own cross-entropy.

        Raises:
            PlicError: the pictures are of different sizes, or there is no such quality.
        """
        times = times or StageTimes()
        with times.measure("image"):
            pictures = [image if isinstance(image, Picture) else read_picture(image) for image in images]
        latents = self.analyse(pictures, quality=quality, times=times)
        return self.encode_latents(pictures, latents, quality=quality, coder=coder, times=times, count_bits=count_bits)

    def analyse(
        self, pictures: Sequence[Picture], *, quality: float | None = None, times: StageTimes | None = None
    ) -> Latents:
        """What the analysis transforms give for pictures of one size, before rounding.

        Args:
            pictures: padded to the same size.
            quality: level for all of them.
            times: if given, seconds are added to it.

        Raises:
            PlicError: the pictures are of different sizes, or there is no such quality.
        """
        level = self.level(quality)
        return self.latents_at(self.transformed(pictures, times=times), level, times=times)

    def transformed(self, pictures: Sequence[Picture], *, times: StageTimes | None = None) -> Tensor:
        """The main analysis transform of pictures of one size, ``(B, C, h, w)``: what all qualities have in common.

        Args:
            pictures: padded to the same size.
            times: if given, seconds are added to it.

        Raises:
            PlicError: the pictures are of different sizes.
        """
        times, transform = times or StageTimes(), self.networks.transform
        with torch.inference_mode():
            with times.measure("image"):
                x = stack([pad(to_tensor(picture), transform.stride) for picture in pictures])
            with times.measure("transform"), fast_branches():
                return tiling.analysis(transform, x, self.recipe.tile)

    def latents_at(self, transformed: Tensor, quality: float | None, *, times: StageTimes | None = None) -> Latents:
        """The latents of one quality, from what `transformed` gives.

        Args:
            transformed: of any number of pictures.
            quality: level for all of them.
            times: if given, seconds are added to it.

        Raises:
            PlicError: there is no such quality.
        """
        times = times or StageTimes()
        levels = quality_tensor(self.level(quality), len(transformed))
        with torch.inference_mode():
            with times.measure("transform"):
                y = joints.scale(self.networks.rate, transformed, levels).float()
            return self.entropy_model.latents(y, times)

    def encode_latents(
        self,
        pictures: Sequence[Picture],
        latents: Latents,
        *,
        quality: float | None = None,
        coder: str | None = None,
        times: StageTimes | None = None,
        count_bits: bool = False,
    ) -> list[Encoded]:
        """Streams of pictures whose latents are given; what decodes from them follows from the latents.

        If the recipe says so (``channel_means``), each stream also states the colour offsets with which its picture
        keeps the mean of each channel; the synthesis is run to find them.

        Args:
            pictures: give the size, mean colours, and what else a stream holds.
            latents: as `analyse` gives them, or better ones.
            quality: as for `analyse`.
            coder: as for `encode_batch`.
            times: as for `encode_batch`.
            count_bits: as for `encode_batch`.
        """
        times = times or StageTimes()
        level, entropy_coder = self.level(quality), self.coder_named(coder)
        with torch.inference_mode():
            coded = self.entropy_model.encode(latents, entropy_coder, times, count_bits)
            offsets = self._colour_offsets(pictures, coded.y.values, level, times)
        with times.measure("coder"):
            named = "" if coder in (None, self.recipe.coder.id) else str(coder)
            streams = [
                make_stream(picture, self.identity, level, named, index, coded, offsets[index])
                for index, picture in enumerate(pictures)
            ]
            return [Encoded(pack(stream), float(bits)) for stream, bits in zip(streams, coded.bits, strict=True)]

    def decode(self, data: bytes) -> PIL.Image.Image:
        """The picture of a stream, in the mode it had when it was encoded.

        Raises:
            StreamError: the stream is damaged, or was made with other weights.
        """
        return to_pil(self.decode_picture(data))

    def decode_picture(self, data: bytes, *, times: StageTimes | None = None, limits: Limits | None = None) -> Picture:
        """As `decode`, as arrays.

        Args:
            data: a ``.plic`` file.
            times: if given, seconds are added to it.
            limits: what the stream may declare at most.

        Raises:
            StreamError: the stream is damaged, or was made with other weights.
        """
        return self.decode_batch([unpack(data, limits or Limits())], times=times)[0]

    def decode_batch(self, streams: Sequence[Stream], *, times: StageTimes | None = None) -> list[Picture]:
        """Pictures of streams with one size, quality and coder.

        Raises:
            StreamError: a stream is damaged, or was made with other weights.
            PlicError: the streams differ in size, quality or coder.
        """
        times = times or StageTimes()
        with torch.inference_mode():
            y_hat = self._decode_latents(streams, times)
            with times.measure("transform"):
                x_hat = self._synthesis(y_hat, streams[0].header.quality)
            with times.measure("image"):
                return [picture_of(x_hat[index : index + 1], stream) for index, stream in enumerate(streams)]

    def decode_latents(self, data: bytes) -> Tensor:
        """The quantised latent of a stream, ``(1, C, h, w)`` float64, without synthesis."""
        with torch.inference_mode():
            return self._decode_latents([unpack(data)], StageTimes())

    def _decode_latents(self, streams: Sequence[Stream], times: StageTimes) -> Tensor:
        stride = self.networks.transform.stride
        header = common_header(streams, self.identity, stride)
        height, width = padded_size(header.height, header.width, stride)
        shape = LatentShape(self.networks.transform.latent_channels, height // stride, width // stride)
        payloads = [(stream.payload(SectionKind.SIDE), stream.payload(SectionKind.LATENT)) for stream in streams]
        coded = self.entropy_model.decode(payloads, shape, self._coder_of(header), times)
        for index, stream in enumerate(streams):
            check_digest(stream, index, coded)
        return coded.y.values

    def _synthesis(self, y_hat: Tensor, quality: float) -> Tensor:
        unscaled = joints.unscale(self.networks.rate, y_hat.float(), quality_tensor(quality, len(y_hat)))
        return tiling.synthesis(self.networks.transform, unscaled, self.recipe.tile)

    def _colour_offsets(
        self, pictures: Sequence[Picture], y_hat: Tensor, quality: float, times: StageTimes
    ) -> list[tuple[int, ...]]:
        """What each stream's header says of colours. Pictures go one by one, so that a batch changes no offset."""
        if not self.recipe.channel_means:
            return [() for _ in pictures]
        with times.measure("transform"), fast_branches():
            return [
                channel_offsets(crop(self._synthesis(one, quality), picture.height, picture.width), picture)
                for one, picture in zip(torch.split(y_hat, 1), pictures, strict=True)
            ]

    def level(self, quality: float | None) -> float:
        """A quality, checked and in the steps of 1/256 that a stream carries; the codec's own if None.

        Returns:
            An int where it is whole.

        Raises:
            PlicError: there is no such quality.
        """
        wanted = self.quality if quality is None else quality
        return checked_quality(wanted, self.networks.rate, self.recipe.name)

    def coder_named(self, name: str | None) -> Coder:
        if name is None or name == self.recipe.coder.id:
            return self.coder
        from .registry import default_registry

        coder: Coder = default_registry().part("coder", name)()
        return coder

    def _coder_of(self, header: Header) -> Coder:
        try:
            return self.coder_named(header.coder or None)
        except UnknownName as error:
            raise StreamMismatch(
                f"the stream needs the coder {header.coder!r}, which is not installed",
                expected=error.expected,
                near=error.near,
                hint="install the plugin that provides it",
            ) from error
