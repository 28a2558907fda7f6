"""The location-scale families that heads are made of: likelihoods for training, tables for coding."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from ...core.probability import GAUSSIAN, LAPLACIAN, LOGISTIC, Family

LIKELIHOOD_FLOOR = 1e-9
"""Least likelihood in training unless a recipe says otherwise: no element costs more than 30 bits."""
LikelihoodFloor = Annotated[float, Field(gt=0, lt=1)]

StandardCdf = Callable[[Tensor], Tensor]


def gaussian_cdf(u: Tensor) -> Tensor:
    """Standard normal distribution function."""
    return 0.5 * torch.erfc(-u / math.sqrt(2))


def laplacian_cdf(u: Tensor) -> Tensor:
    """Distribution function of the Laplace density with b = 1."""
    tail = 0.5 * torch.exp(-u.abs())
    return torch.where(u < 0, tail, 1 - tail)


def logistic_cdf(u: Tensor) -> Tensor:
    """Distribution function of the logistic density with s = 1."""
    return torch.sigmoid(u)


@dataclass(frozen=True)
class Density:
    """A symmetric location-scale density: ``cdf`` for training, ``family`` for coding."""

    cdf: StandardCdf
    family: Family


GAUSSIAN_DENSITY = Density(gaussian_cdf, GAUSSIAN)
LAPLACIAN_DENSITY = Density(laplacian_cdf, LAPLACIAN)
LOGISTIC_DENSITY = Density(logistic_cdf, LOGISTIC)


def bin_mass(density: Density, values: Tensor, mean: Tensor | float, scale: Tensor) -> Tensor:
    """Mass of the unit interval around ``values`` under a symmetric location-scale density.

    Evaluated on the side of the lower tail, where the difference of two distribution functions keeps its digits.
    """
    distance = (values - mean).abs()
    return density.cdf((0.5 - distance) / scale) - density.cdf((-0.5 - distance) / scale)


def softmax_mass(logits: Tensor, masses: Tensor) -> Tensor:
    """Mixture of ``masses`` ``(B, K, ...)`` with softmax weights over dimension 1."""
    return (torch.softmax(logits, 1) * masses).sum(1)
