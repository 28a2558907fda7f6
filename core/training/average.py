"""Exponential moving average of the weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

WARMING = 10
"""The average's memory grows with the steps: after ``n`` of them the decay is at most ``(1 + n) / (10 + n)``."""


class Average:
    """A second copy of the weights, which follows the first.

    Args:
        parameters: to follow.
        decay: share of the average that is kept in a step.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], decay: float) -> None:
        self._parameters = list(parameters)
        self.decay = decay
        self.tensors = [parameter.detach().clone() for parameter in self._parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Follow the weights after a step."""
        decay = min(self.decay, (1 + step) / (WARMING + step))
        torch._foreach_lerp_(self.tensors, [parameter.detach() for parameter in self._parameters], 1 - decay)

    @torch.no_grad()
    def load(self, tensors: Sequence[Tensor]) -> None:
        """Go on from an earlier average."""
        for mine, other in zip(self.tensors, tensors, strict=True):
            mine.copy_(other)

    @torch.no_grad()
    def give_to(self, parameters: Iterable[nn.Parameter]) -> None:
        """Put the averaged weights into other parameters of the same order."""
        for parameter, mine in zip(parameters, self.tensors, strict=True):
            parameter.copy_(mine)
