"""What the heads of one location-scale density share."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ...core.probability import IntegerDistribution, MixtureDistribution, Support, locations
from ...core.slots import Distributions, Head
from ..layers import lower_bound
from .families import LIKELIHOOD_FLOOR, Density, LikelihoodFloor, bin_mass
from .scales import ScaleKind, ScaleParameter


class SingleFamily(Head):
    """One location-scale density per element, convolved with the unit uniform of the quantiser.

    Args:
        channels: latent channels; unused, the head owns no parameters.
        mean: predict a mean; otherwise the density is centred at zero and only the scale is predicted.
        scale: what the raw scale output stands for.
        floor: least scale.
        likelihood_floor: least likelihood in training.
    """

    density: ClassVar[Density]
    training_only: ClassVar[frozenset[str]] = frozenset({"likelihood_floor"})

    def __init__(
        self,
        channels: int,
        *,
        mean: bool = True,
        scale: ScaleKind = "linear",
        floor: float = 0.11,
        likelihood_floor: LikelihoodFloor = LIKELIHOOD_FLOOR,
    ) -> None:
        super().__init__()
        self.likelihood_floor = likelihood_floor
        self.layout = ("scale", "mean") if mean else ("scale",)
        self.mean_index = 1 if mean else None
        self.scale = ScaleParameter(scale, floor)

    def likelihood(self, parameters: Tensor, values: Tensor) -> Tensor:
        parameters = parameters.float()
        mean = parameters[:, 1] if self.mean_index else 0.0
        mass = bin_mass(self.density, values.float(), mean, self.scale(parameters[:, 0]))
        return lower_bound(mass, self.likelihood_floor)

    def freeze(self) -> Distributions:
        return _FrozenSingle(self.density, self.mean_index is not None, self.scale)


class _FrozenSingle:
    def __init__(self, density: Density, has_mean: bool, scale: ScaleParameter) -> None:
        self.families = (density.family,)
        self.has_mean = has_mean
        self.scale = scale

    def __call__(
        self, parameters: npt.NDArray[np.float64], channels: npt.NDArray[np.int64], support: Support
    ) -> IntegerDistribution:
        count = parameters.shape[1]
        location = locations(parameters[1:2]) if self.has_mean else np.zeros((1, count), np.int32)
        return MixtureDistribution(
            location=location,
            scale=self.scale.levels(parameters[0:1]),
            weight=np.full((1, count), 1 << 16, np.int32),
            families=self.families,
            support=support,
        )
