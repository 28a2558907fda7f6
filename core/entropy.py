"""The entropy model for coding: both latents to payloads and back, the side latent first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from . import joints
from .coding import CodedLatent, LatentModel, decode_latent, digest, encode_latent
from .networks import FrozenNetworks
from .side import side_model
from .slots import Grid, Latents, LatentShape, Schedule
from .slots.coder import Coder
from .stages import StageTimes


@dataclass(frozen=True)
class CodedLatents:
    """Both latents of a batch, encoded or decoded.

    Attributes:
        z: the side latent; None without side information.
        y: the latent.
    """

    z: CodedLatent | None
    y: CodedLatent

    @property
    def bits(self) -> npt.NDArray[np.float64]:
        """The model's own cross-entropy of each image; NaN unless it was asked for."""
        return self.y.bits if self.z is None else self.y.bits + self.z.bits

    @property
    def payloads(self) -> list[tuple[bytes | None, bytes]]:
        """Bytes of ``z`` and ``y`` of each image."""
        sides = [None] * len(self.y.payloads) if self.z is None else self.z.payloads
        return list(zip(sides, self.y.payloads, strict=True))

    def digest(self, index: int) -> int:
        """Of all symbols of one image."""
        return digest([coded.symbols[index] for coded in (self.z, self.y) if coded is not None])


class EntropyModel:
    """Side information, context and head of a codec, in exact arithmetic.

    Args:
        networks: frozen.
        schedule: order of the latent's elements.
        grid: where its quantised values lie.

    Attributes:
        y: the model of the latent, given side features.
        z: the model of the side latent; None without side information.
    """

    def __init__(self, networks: FrozenNetworks, schedule: Schedule, grid: Grid) -> None:
        head, self._part = networks.head, networks.side_information
        self.y = LatentModel(
            context=networks.context,
            head=head.distributions,
            parameters_per_element=head.parameters,
            schedule=schedule,
            grid=grid,
            mean_index=head.mean_index if grid is Grid.MEAN else None,
            medians=head.medians if grid is Grid.MEDIAN else None,
        )
        self.z = None if self._part is None else side_model(self._part)

    def latents(self, y: Tensor, times: StageTimes | None = None) -> Latents:
        """A latent ``(B, C, h, w)`` with its side latent, both before rounding."""
        with (times or StageTimes()).measure("probability"):
            return Latents(y, None if self._part is None else joints.side_analysis(self._part, y))

    def encode(
        self, latents: Latents, coder: Coder, times: StageTimes | None = None, count_bits: bool = False
    ) -> CodedLatents:
        """Quantise and encode the latents of a batch.

        Args:
            latents: as `latents` gives them, or better ones.
            coder: makes the payloads.
            times: if given, seconds are added to it.
            count_bits: also compute the model's own cross-entropy.
        """
        times, z = times or StageTimes(), None
        if self.z is not None and latents.z is not None:
            z = encode_latent(latents.z, None, self.z, coder, times, count_bits)
        height, width = latents.y.shape[-2:]
        side = self._features(z, height, width, times)
        return CodedLatents(z, encode_latent(latents.y, side, self.y, coder, times, count_bits))

    def decode(
        self,
        payloads: Sequence[tuple[bytes | None, bytes | None]],
        shape: LatentShape,
        coder: Coder,
        times: StageTimes | None = None,
    ) -> CodedLatents:
        """The latents of a batch.

        Args:
            payloads: bytes of ``z`` and ``y`` of each image; None is as good as no bytes.
            shape: of the latent.
            coder: that made the payloads.
            times: if given, seconds are added to it.

        Raises:
            DamagedStream: the payloads do not decode.
        """
        times, z = times or StageTimes(), None
        sides, own = ([one or b"" for one in column] for column in zip(*payloads, strict=True))
        if self._part is not None and self.z is not None:
            stride = self._part.stride
            sites = LatentShape(self._part.channels, -(-shape.height // stride), -(-shape.width // stride))
            z = decode_latent(sides, sites, None, self.z, coder, times, "side")
        side = self._features(z, shape.height, shape.width, times)
        return CodedLatents(z, decode_latent(own, shape, side, self.y, coder, times, "latent"))

    def _features(self, z: CodedLatent | None, height: int, width: int, times: StageTimes) -> Tensor | None:
        if self._part is None or z is None:
            return None
        with times.measure("probability"):
            return joints.side_synthesis(self._part, z.values, height, width)
