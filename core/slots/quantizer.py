"""Slot ``quantizer``: from a real latent to symbols and back."""

from __future__ import annotations

from abc import ABC
from enum import Enum
from typing import Literal

import torch
from torch import Tensor

Surrogate = Literal["noise", "straight-through", "mixed"]


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
    =================  ==================  ==================

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
        return y + noise

    def for_synthesis(self, y: Tensor, noise: Tensor, centre: Tensor | None) -> Tensor:
        """The view that the context and the synthesis see."""
        if self.surrogate == "noise":
            return y + noise
        return straight_through_round(y, centre)


def straight_through_round(y: Tensor, centre: Tensor | None) -> Tensor:
    """Rounded to the grid around ``centre`` in the forward pass, identity in the backward pass."""
    with torch.no_grad():
        rounded = torch.round(y) if centre is None else torch.round(y - centre) + centre
        error = rounded - y
    return y + error
