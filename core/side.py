"""The probability model of the side latent: one step, the channel-median grid, a head without parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .coding import LatentModel
from .networks import FrozenHead
from .slots import Context, ContextState, Grid, LatentShape, Schedule, SideInformation, Step


def side_model(part: SideInformation) -> LatentModel:
    """Model of ``z`` from a hardened part, whose head is frozen."""
    head = FrozenHead.of(part.head)
    return LatentModel(_NoContext(), head.distributions, 0, _AtOnce(), Grid.MEDIAN, medians=head.medians)


class _AtOnce(Schedule):
    order = "one-step"

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        return [Step(shape, np.arange(shape.sites, dtype=np.int64), (0, shape.channels))]


class _NoContext(Context):
    orders = frozenset({"one-step"})

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        batch, *rest = values.shape
        return values.new_zeros(batch, 0, *rest)

    def start(self, values: Tensor, side: Tensor | None) -> ContextState:
        return ContextState(None, values)

    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        return torch.zeros(len(state.values), 0, step.size, dtype=torch.float64)
