"""Generalised divisive normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..layers import lower_bound

PEDESTAL = 2.0**-36  # keeps the gradient of the square root finite
LEAST_BETA = 1e-6


class Gdn(nn.Module):
    """``y_i = x_i / sqrt(beta_i + sum_j gamma_ij x_j^2)`` (Balle et al. 2016, arXiv:1511.06281), or times the root.

    ``beta`` and ``gamma`` are stored as square roots and bounded below, so that they stay positive.

    Args:
        channels: features.
        inverse: multiply by the root instead of dividing.
        start: initial diagonal of gamma.
    """

    def __init__(self, channels: int, inverse: bool = False, start: float = 0.1) -> None:
        super().__init__()
        self.inverse = inverse
        self.beta = nn.Parameter(torch.sqrt(torch.ones(channels) + PEDESTAL))
        self.gamma = nn.Parameter(torch.sqrt(start * torch.eye(channels) + PEDESTAL))

    def forward(self, x: Tensor) -> Tensor:
        beta = lower_bound(self.beta, (LEAST_BETA + PEDESTAL) ** 0.5).square() - PEDESTAL
        gamma = lower_bound(self.gamma, PEDESTAL**0.5).square() - PEDESTAL
        energy = functional.conv2d(x.square(), gamma[:, :, None, None], beta)
        return x * (torch.sqrt(energy) if self.inverse else torch.rsqrt(energy))
