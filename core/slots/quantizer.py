"""Slot ``quantizer``: from a real latent to symbols and back."""

from __future__ import annotations

from abc import ABC
from enum import Enum
from typing import Literal

import torch
from torch import Tensor

Surrogate = Literal["noise", "straight-through", "mixed", "universal"]


class Grid(Enum):
    """Where the quantised values lie."""

    INTEGER = "integer"
    """``y_hat = symbol``."""
    MEAN = "mean-centred"
    """``y_hat = symbol + mean``, with the mean that the context predicts."""
    MEDIAN = "channel-median"
    """``y_hat = symbol + median of the channel``."""


class Quantizer(ABC):
    """Uniform unit-step quantisation on a grid, with a differentiable stand-in for training.

    Three consumers see three views of the latent in training, because systems differ in each:

    =================  ==================  ==================
    surrogate          rate sees           context, synthesis see
    =================  ==================  ==================
    noise              y + U(-1/2, 1/2)    the same noisy value
    straight-through   rounded, identity gradient
    mixed              y + U(-1/2, 1/2)    rounded, identity gradient
    universal          rounded with a random offset that is taken off again, identity gradient
    =================  ==================  ==================

    The offsets of ``universal`` are uniform in [-a/2, a/2), with one ``a`` between 1/2 and 2 for each call, whose
    logarithm is uniform (Chen et al. 2021, arXiv:1910.06244): noise and plain rounding are what it lies between.

    Attributes:
        grid: where the quantised values lie.
        surrogate: what training uses in place of rounding.
    """

    grid: Grid

    def __init__(self, *, surrogate: Surrogate = "noise") -> None:
        self.surrogate = surrogate

    def for_rate(self, y: Tensor, noise: Tensor, centre: Tensor | None) -> Tensor:
        """The view whose likelihood is the rate; ``noise`` is uniform in [-1/2, 1/2)."""
        if self.surrogate == "straight-through":
            return straight_through_round(y, centre)
        return universal_round(y, noise, centre) if self.surrogate == "universal" else y + noise

    def for_synthesis(self, y: Tensor, noise: Tensor, centre: Tensor | None) -> Tensor:
        """The view that the context and the synthesis see."""
        if self.surrogate == "noise":
            return y + noise
        if self.surrogate == "universal":
            return universal_round(y, noise, centre)
        return straight_through_round(y, centre)


def straight_through_round(y: Tensor, centre: Tensor | None) -> Tensor:
    """Rounded to the grid around ``centre`` in the forward pass, identity in the backward pass."""
    with torch.no_grad():
        rounded = torch.round(y) if centre is None else torch.round(y - centre) + centre
        error = rounded - y
    return y + error


def universal_round(y: Tensor, noise: Tensor, centre: Tensor | None) -> Tensor:
    """Rounded with random offsets that are taken off again; identity in the backward pass.

    Args:
        y: what to round.
        noise: uniform in [-1/2, 1/2), of the same shape. Offsets are made from it alone, the amplitude from its first
            entry, so that the rate and the synthesis see the same values.
        centre: of the grid.
    """
    offset = noise * 2.0 ** (2 * noise.flatten()[0])
    return straight_through_round(y, offset * -1 if centre is None else centre - offset)
