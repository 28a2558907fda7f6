"""Mixtures of one family."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ...core.probability import (
    IntegerDistribution,
    MixtureDistribution,
    Support,
    locations,
    weights_from_logits,
)
from ...core.slots import Distributions, Head
from ..layers import lower_bound
from .families import (
    GAUSSIAN_DENSITY,
    LAPLACIAN_DENSITY,
    LIKELIHOOD_FLOOR,
    LOGISTIC_DENSITY,
    Density,
    LikelihoodFloor,
    bin_mass,
    softmax_mass,
)
from .scales import ScaleKind, ScaleParameter

FIELDS = ("weight", "mean", "scale")


def component_layout(count: int) -> tuple[str, ...]:
    """Parameter names of ``count`` components: (weight, mean, scale) of the first, then of the second, ..."""
    return tuple(f"{field}.{component}" for component in range(count) for field in FIELDS)


class MixtureHead(Head):
    """What mixtures share.

    Args:
        channels: latent channels; unused, the head owns no parameters.
        components: densities per element, of each family.
        scale: what the raw scale outputs stand for.
        floor: least scale.
        likelihood_floor: least likelihood in training.
    """

    training_only: ClassVar[frozenset[str]] = frozenset({"likelihood_floor"})

    def __init__(
        self,
        channels: int,
        *,
        components: int = 3,
        scale: ScaleKind = "absolute",
        floor: float = 0.11,
        likelihood_floor: LikelihoodFloor = LIKELIHOOD_FLOOR,
    ) -> None:
        super().__init__()
        self.components = components
        self.layout = self.layout_of(components)
        self.scale = ScaleParameter(scale, floor)
        self.likelihood_floor = likelihood_floor

    @staticmethod
    @abstractmethod
    def layout_of(components: int) -> tuple[str, ...]:
        """Names of the parameters, in order."""


class FamilyMixture(MixtureHead):
    """Mixture of ``components`` densities of one family, softmax weights."""

    density: ClassVar[Density]

    @staticmethod
    def layout_of(components: int) -> tuple[str, ...]:
        return component_layout(components)

    def likelihood(self, parameters: Tensor, values: Tensor) -> Tensor:
        parameters = parameters.float()
        weight, mean, scale = (parameters[:, field::3] for field in range(3))  # (B, K, C, h, w) each
        masses = bin_mass(self.density, values.float().unsqueeze(1), mean, self.scale(scale))
        return lower_bound(softmax_mass(weight, masses), self.likelihood_floor)

    def freeze(self) -> Distributions:
        return _FrozenMixture(self.density, self.scale)


class _FrozenMixture:
    def __init__(self, density: Density, scale: ScaleParameter) -> None:
        self.family = density.family
        self.scale = scale

    def __call__(
        self, parameters: npt.NDArray[np.float64], channels: npt.NDArray[np.int64], support: Support
    ) -> IntegerDistribution:
        return MixtureDistribution(
            location=locations(parameters[1::3]),
            scale=self.scale.levels(parameters[2::3]),
            weight=weights_from_logits(parameters[0::3]),
            families=(self.family,) * (len(parameters) // 3),
            support=support,
        )


class GaussianMixture(FamilyMixture):
    """Mixture of Gaussians (Cheng et al. 2020, arXiv:2001.01568)."""

    density = GAUSSIAN_DENSITY


class LaplacianMixture(FamilyMixture):
    """Mixture of Laplacians."""

    density = LAPLACIAN_DENSITY


class LogisticMixture(FamilyMixture):
    """Mixture of logistic densities."""

    density = LOGISTIC_DENSITY
