"""Gaussian-Laplacian-logistic mixture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...core.probability import (
    IntegerDistribution,
    MixtureDistribution,
    Support,
    combine_weights,
    locations,
    weights_from_logits,
)
from ...core.slots import Distributions
from ..layers import lower_bound
from .families import GAUSSIAN_DENSITY, LAPLACIAN_DENSITY, LOGISTIC_DENSITY, bin_mass, softmax_mass
from .mixtures import MixtureHead, component_layout
from .scales import ScaleParameter

DENSITIES = (GAUSSIAN_DENSITY, LAPLACIAN_DENSITY, LOGISTIC_DENSITY)


class Gllmm(MixtureHead):
    """Discretised Gaussian-Laplacian-logistic mixture (Fu et al. 2021, arXiv:2107.06463).

    ``components`` densities of each of the three families, each with its own mean and scale, and weights on two
    levels: a softmax inside each family, and a softmax over the families. With three components that is
    3 x 3 x 3 + 3 = 30 parameters per element, in the order of the released code: (weight, mean, scale) of each
    component, Gaussians first, then Laplacians, then logistics, then the three family logits. The released code takes
    absolute values for scales and has no floor; 0/0 in the Laplacian is what that costs.
    """

    @staticmethod
    def layout_of(components: int) -> tuple[str, ...]:
        families = tuple(f"family.{density.family.name}" for density in DENSITIES)
        return component_layout(len(DENSITIES) * components) + families

    def likelihood(self, parameters: Tensor, values: Tensor) -> Tensor:
        parameters, values = parameters.float(), values.float().unsqueeze(1)
        per_family = 3 * self.components
        masses = []
        for index, density in enumerate(DENSITIES):
            block = parameters[:, index * per_family : (index + 1) * per_family]
            component_masses = bin_mass(density, values, block[:, 1::3], self.scale(block[:, 2::3]))
            masses.append(softmax_mass(block[:, 0::3], component_masses))
        mass = softmax_mass(parameters[:, -3:], torch.stack(masses, 1))
        return lower_bound(mass, self.likelihood_floor)

    def freeze(self) -> Distributions:
        return _FrozenGllmm(self.components, self.scale)


class _FrozenGllmm:
    def __init__(self, components: int, scale: ScaleParameter) -> None:
        self.components = components
        self.families = tuple(density.family for density in DENSITIES for _ in range(components))
        self.scale = scale

    def __call__(
        self, parameters: npt.NDArray[np.float64], channels: npt.NDArray[np.int64], support: Support
    ) -> IntegerDistribution:
        components, logits = parameters[:-3], parameters[0:-3:3]
        within = [
            weights_from_logits(logits[start : start + self.components])
            for start in range(0, 3 * self.components, self.components)
        ]
        return MixtureDistribution(
            location=locations(components[1::3]),
            scale=self.scale.levels(components[2::3]),
            weight=combine_weights(weights_from_logits(parameters[-3:]), np.stack(within)),
            families=self.families,
            support=support,
        )
