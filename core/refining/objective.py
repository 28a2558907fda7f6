"""What a refiner minimises: rate plus lambda times distortion, as the file and the decoded picture will have them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .. import joints, tiling
from ..finite import all_finite
from ..image import Picture, channel_offsets, crop, from_tensor, to_tensor
from ..quality import quality_tensor
from ..slots import Assessment, Cost, Distortion, Head, Latents, Objective
from .rate import LatentRate, latent_rate

if TYPE_CHECKING:
    from ..frozen import FrozenCodec


@dataclass(frozen=True)
class Budget:
    """How long a refiner may search; whichever limit comes first ends it.

    Attributes:
        iterations: assessments after the first one; None for no limit.
        seconds: of wall-clock time, from the first assessment on; None for no limit.
    """

    iterations: int | None = 200
    seconds: float | None = None

    def share(self, iteration: int, seconds: float) -> float:
        """What part of the budget is spent; at most 1, and 0 without limits."""
        by_iterations = iteration / max(1, self.iterations) if self.iterations is not None else 0.0
        by_seconds = seconds / self.seconds if self.seconds else 0.0
        return min(1.0, max(by_iterations, by_seconds))


@dataclass(frozen=True)
class Progress:
    """Where a search is.

    Attributes:
        iteration: assessments so far, the first one not counted.
        seconds: since the first one began.
        cost: of the latents that were assessed last.
        best: lowest total so far.
        share: of the budget that is spent, at most 1; 0 without limits.
    """

    iteration: int
    seconds: float
    cost: Cost
    best: float
    share: float


class Lagrangian(Objective):
    """``bits per pixel + lambda * distortion`` of one picture.

    Padding is coded but not seen: its bits count, its pixels do not. The cost is that of 8-bit pixels as the decoder
    gives them; gradients go around clipping and rounding.

    Args:
        codec: frozen, and not changed.
        picture: what is to be coded.
        quality: level, or a point between two, as `FrozenCodec.level` gives it.
        multiplier: lambda, the weight of the distortion.
        distortion: in the units that lambda is quoted in.
        precision: bits of the coder that will be used.
        budget: see there.
        report: called after each assessment.
    """

    def __init__(
        self,
        codec: FrozenCodec,
        picture: Picture,
        quality: float,
        multiplier: float,
        distortion: Distortion,
        precision: int,
        budget: Budget,
        report: Callable[[Progress], None] | None = None,
    ) -> None:
        self.codec = codec
        self.multiplier = multiplier
        self.budget = budget
        self.iteration = -1
        self._picture = picture
        self._target = to_tensor(picture)
        self._quality = quality_tensor(quality, 1)
        self._distortion = distortion
        self._precision = precision
        self._report = report
        self.seconds = 0.0
        self._started = 0.0
        self._best = float("inf")
        self._side: tuple[Tensor, tuple[Tensor, LatentRate]] | None = None

    @property
    def exhausted(self) -> bool:
        if self.budget.iterations is not None and self.iteration >= self.budget.iterations:
            return True
        each = self.seconds / (self.iteration + 1) if self.iteration >= 0 else 0.0
        return self.budget.seconds is not None and self.seconds + each > self.budget.seconds

    def assess(self, latents: Latents) -> Assessment:
        if self.iteration < 0:
            self._started = time.perf_counter()
        self.iteration += 1
        with torch.inference_mode(False), torch.enable_grad():
            assessment = self._assess(latents)
        self.seconds = time.perf_counter() - self._started
        self._best = min(self._best, assessment.cost.total)
        if self._report is not None:
            share = self.budget.share(self.iteration, self.seconds)
            self._report(Progress(self.iteration, self.seconds, assessment.cost, self._best, share))
        return assessment

    def _assess(self, latents: Latents) -> Assessment:
        networks, pixels = self.codec.networks, self._picture.height * self._picture.width
        side, z = self._side_of(latents)
        head = networks.head_module if isinstance(networks.head_module, Head) else None
        rate = latent_rate(latents.y, side, self.codec.entropy_model.y, head, self._precision)
        unscaled = joints.unscale(networks.rate, rate.values.float(), self._quality)
        x_hat = tiling.synthesis(networks.transform, unscaled, self.codec.recipe.tile)
        x_hat = crop(x_hat, self._picture.height, self._picture.width)
        bits, loss = rate.bits, rate.loss
        if z is not None:
            bits, loss = bits + z.bits, loss + z.loss
        rounded = Latents(rate.rounded, None if z is None else z.rounded)
        smooth = x_hat.mean(1, keepdim=True).expand_as(x_hat) if self._picture.grey else x_hat
        loss = loss / pixels + self.multiplier * joints.distortion(self._distortion, self._target, smooth).sum()
        return Assessment(self._cost_of(bits / pixels, x_hat), rounded, loss)

    def _cost_of(self, bits_per_pixel: float, x_hat: Tensor) -> Cost:
        if not all_finite(x_hat):  # no decoder would give a picture
            return Cost(bits_per_pixel, math.inf, math.inf)
        offsets = channel_offsets(x_hat.detach(), self._picture) if self.codec.recipe.channel_means else ()
        return self.cost(bits_per_pixel, from_tensor(x_hat, grey=self._picture.grey, offsets=offsets))

    def cost(self, bits_per_pixel: float, decoded: Picture) -> Cost:
        """What a decoded picture and its rate amount to."""
        with torch.no_grad():
            distortion = float(joints.distortion(self._distortion, self._target, to_tensor(decoded)))
        return Cost(bits_per_pixel, distortion, bits_per_pixel + self.multiplier * distortion)

    def _side_of(self, latents: Latents) -> tuple[Tensor | None, LatentRate | None]:
        """Side features and the rate of ``z``; remembered for a ``z`` that stays as it is."""
        part, model, z = self.codec.networks.side_information, self.codec.entropy_model.z, latents.z
        if part is None or model is None or z is None:
            return None, None
        if self._side is not None and self._side[0] is z and not z.requires_grad:
            return self._side[1]
        rate = latent_rate(z, None, model, None, self._precision)
        features = joints.side_synthesis(part, rate.values, *latents.y.shape[-2:])
        self._side = None if z.requires_grad else (z, (features, rate))
        return features, rate
