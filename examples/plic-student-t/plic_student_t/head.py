"""The head: a mixture of Student-t densities whose degrees of freedom each channel learns."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from plic.core.layers import Families, lower_bound
from plic.core.probability import (
    SCALE_LEVELS,
    IntegerDistribution,
    MixtureDistribution,
    Support,
    locations,
    scale_levels,
    weights_from_logits,
)
from plic.core.slots import Head
from pydantic import Field
from torch import Tensor, nn

from plic_student_t.density import LadderCdf
from plic_student_t.ladder import SCALES_PER_UNIT, STEPS, TABLES, rung_of

LEVELS_PER_OCTAVE = 32
LEVELS_UP = LEVELS_PER_OCTAVE * (SCALES_PER_UNIT.bit_length() - 1)
"""From the level of a scale to that of a table's unit, which is four scales."""
LARGEST = 512.0 / SCALES_PER_UNIT
"""Scale of the last level."""


class StudentT(Head):
    """Mixture of Student-t densities: heavy tails where a channel has them, Gaussians where it has none.

    Each element has the weight, the mean and the scale of every component, from the context. The degrees of freedom
    belong to the head: one number for each channel, on a ladder of 33 from 1 (Cauchy) to infinity (Gauss), with equal
    steps of 1 / degrees. Training mixes the two neighbours on the ladder; freezing takes the nearest, which is a
    table of integers.

    Args:
        channels: latent channels.
        components: densities per element.
        degrees: degrees of freedom that training starts from.
        floor: least scale, in quantiser steps.
        likelihood_floor: least likelihood in training.
    """

    training_only: ClassVar[frozenset[str]] = frozenset({"degrees", "likelihood_floor"})

    def __init__(
        self,
        channels: int,
        *,
        components: Annotated[int, Field(ge=1, le=16)] = 3,
        degrees: Annotated[float, Field(gt=1, le=1000)] = 4.0,
        floor: Annotated[float, Field(ge=2**-5)] = 0.11,
        likelihood_floor: Annotated[float, Field(gt=0, lt=1)] = 1e-9,
    ) -> None:
        super().__init__()
        fields = ("mean", "scale") if components == 1 else ("weight", "mean", "scale")
        self.layout = tuple(f"{field}.{component}" for field in fields for component in range(components))
        self.mean_index = 0 if components == 1 else None
        self.components = components
        self.floor = floor
        self.likelihood_floor = likelihood_floor
        self.families = Families(TABLES.read().values())
        self.cdf = LadderCdf()
        self.ladder = nn.Parameter(torch.full((channels,), rung_of(degrees) / STEPS).logit())

    def rung(self) -> Tensor:
        """Place of each channel on the ladder, ``(C,)``, between 0 and 32."""
        return STEPS * torch.sigmoid(self.ladder)

    def likelihood(self, parameters: Tensor, values: Tensor) -> Tensor:
        count, parameters = self.components, parameters.float()
        mean, raw = parameters[:, -2 * count : -count], parameters[:, -count:]  # (B, K, C, h, w)
        weight = torch.softmax(parameters[:, : -2 * count], 1) if count > 1 else torch.ones_like(mean)
        scale = lower_bound(raw.abs(), self.floor).clamp(max=LARGEST)
        distance = (values.float().unsqueeze(1) - mean).abs()  # in the lower tail differences keep their digits
        rung = self.rung()
        mass = self.cdf((0.5 - distance) / scale, rung) - self.cdf((-0.5 - distance) / scale, rung)
        return lower_bound((weight * mass).sum(1), self.likelihood_floor)

    @torch.no_grad()
    def start_from(self, frozen: nn.Module) -> None:
        """Take over the degrees of freedom of a frozen head with as many channels."""
        if isinstance(frozen, FrozenStudentT) and frozen.rungs.shape == self.ladder.shape:
            self.ladder.copy_((frozen.rungs.float() / STEPS).logit(eps=0.1 / STEPS))

    @torch.no_grad()
    def freeze(self) -> FrozenStudentT:
        rungs = self.rung().round().to(torch.int16).cpu()
        return FrozenStudentT(self.families, rungs, self.components, self.floor)


class FrozenStudentT(nn.Module):
    """What weights store of the head: the rung of each channel, and which tables the rungs are.

    Args:
        families: the tables, in the order of the ladder.
        rungs: int16 ``(C,)``, 0 to 32.
        components: densities per element.
        floor: least scale.
    """

    rungs: Tensor

    def __init__(self, families: Families, rungs: Tensor, components: int, floor: float) -> None:
        super().__init__()
        self.families = families
        self.components = components
        self.floor = floor
        self.register_buffer("rungs", rungs)

    def forward(
        self, parameters: npt.NDArray[np.float64], channels: npt.NDArray[np.int64], support: Support
    ) -> IntegerDistribution:
        count = self.components
        mean, raw = parameters[-2 * count : -count], parameters[-count:]  # (K, n)
        weight = parameters[: -2 * count] if count > 1 else np.zeros_like(mean)
        levels = scale_levels(np.abs(raw), self.floor) + LEVELS_UP
        return MixtureDistribution(
            location=locations(mean),
            scale=np.minimum(levels, SCALE_LEVELS - 1),
            weight=weights_from_logits(weight),
            families=tuple(self.families),
            support=support,
            choice=np.broadcast_to(self.rungs.numpy()[channels], levels.shape),
        )
