"""Latent overfitting: gradient descent on the latents of one picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from ...core.slots import Latents, Objective, Refiner

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, lt=1)]


LEAST_CURVATURE = 0.1  # of a channel, relative to the mean of all


@dataclass(frozen=True)
class _Point:
    """Latents with their cost, the gradients of the loss, and the latents as they were rounded."""

    latents: Latents
    total: float
    gradients: tuple[Tensor, ...]
    rounded: tuple[Tensor, ...]


class LatentOverfitting(Refiner):
    """Greedy search with straight-through rounding (Zhang et al. 2022, arXiv:2210.04112; constants are ours).

    ::

        best = start, rate = learning_rate
        until rate < least_rate:
            go down from best with a fresh Adam, keeping what is better than best, until `patience` steps were not
            rate *= after_success if something was better, else after_failure

    Rounding is exact forward and the identity backward, so that every cost that is met is one of latents that can be
    coded. The gradient at rounded latents says where to go, but not how far: it is the same until an element crosses
    the edge of its bin, and reversed behind it, and elements would swing to and fro. So it is continued to the real
    latents, ``g(round y) + h (y - round y)`` with one curvature ``h`` per channel. The start tells it: there ``y`` is
    near the best latents without rounding, and therefore ``g(round y)`` near ``h (round y - y)``.

    Args:
        learning_rate: of Adam at the start; about how far, in quantiser steps, an element moves in one iteration.
        least_rate: where the search ends.
        patience: iterations without improvement after which it goes back to the best and lowers the rate.
        after_success: factor of the rate when something was better.
        after_failure: factor when nothing was.
        tolerance: relative improvement below which a cost does not count as better.
        pull: the curvature that is used, relative to the one found; 0 for the plain straight-through gradient.
        side_rate: learning rate of side latents, relative to that of latents; 0 leaves them as they are.
        momenta: of Adam: the share of the past in its means of gradients and of their squares.
    """

    def __init__(
        self,
        *,
        learning_rate: Positive = 0.03,
        least_rate: Positive = 1e-3,
        patience: Annotated[int, Field(gt=0)] = 10,
        after_success: Share = 0.5,
        after_failure: Share = 0.3,
        tolerance: NotNegative = 1e-5,
        pull: NotNegative = 1.0,
        side_rate: NotNegative = 0.0,
        momenta: tuple[NotNegative, NotNegative] = (0.5, 0.99),
    ) -> None:
        self.learning_rate = learning_rate
        self.least_rate = least_rate
        self.patience = patience
        self.after_success = after_success
        self.after_failure = after_failure
        self.tolerance = tolerance
        self.pull = pull
        self.side_rate = side_rate
        self.momenta = momenta

    def refine(self, start: Latents, objective: Objective) -> Latents:
        rate = self.learning_rate
        best = first = self._assess(self._leaves(start), objective)
        curvatures = [self.pull * h for h in _curvatures(first)]
        while rate >= self.least_rate and not objective.exhausted:
            found = self._descend(best, rate, curvatures, objective)
            rate *= self.after_failure if found is best else self.after_success
            best = found
        return start if best is first else best.latents

    def _descend(self, best: _Point, rate: float, curvatures: Sequence[Tensor], objective: Objective) -> _Point:
        """The best point on one way down, ``best`` itself if none is better."""
        latents = self._leaves(best.latents)
        free, rates = _free(latents), (rate, rate * self.side_rate)
        groups = [{"params": [x], "lr": lr} for x, lr in zip(free, rates, strict=False)]
        optimizer = torch.optim.Adam(groups, betas=self.momenta)
        point, stale = best, 0
        while stale < self.patience and not objective.exhausted:
            for x, h, gradient, rounded in zip(free, curvatures, point.gradients, point.rounded, strict=True):
                x.grad = gradient + h * (x.detach() - rounded)
            optimizer.step()
            point = self._assess(latents, objective)
            if point.total < best.total - self.tolerance * abs(best.total):
                best, stale = point, 0
            else:
                stale += 1
        return best

    def _assess(self, latents: Latents, objective: Objective) -> _Point:
        """Cost and gradients of latents that go on to change, together with a copy of them as they are now."""
        assessment = objective.assess(latents)
        gradients = torch.autograd.grad(assessment.loss, _free(latents))
        z = latents.z.detach().clone() if latents.z is not None and latents.z.requires_grad else latents.z
        rounded = (assessment.rounded.y, *(() if assessment.rounded.z is None else (assessment.rounded.z,)))
        return _Point(
            Latents(latents.y.detach().clone(), z),
            assessment.cost.total,
            tuple(torch.nan_to_num(gradient, 0.0, 0.0, 0.0) for gradient in gradients),
            rounded[: len(gradients)],
        )

    def _leaves(self, latents: Latents) -> Latents:
        """A copy that requires gradients; side latents that are to stay are the same tensor."""
        z = latents.z
        if z is not None and self.side_rate > 0:
            z = z.clone().requires_grad_()
        return Latents(latents.y.clone().requires_grad_(), z)


def _free(latents: Latents) -> list[Tensor]:
    return [x for x in (latents.y, latents.z) if x is not None and x.requires_grad]


def _curvatures(start: _Point) -> Iterator[Tensor]:
    """Curvature of the cost along each channel, ``(1, C, 1, 1)``: the regression of gradients on rounding errors."""
    latents = (start.latents.y, start.latents.z)
    for x, gradient, rounded in zip(latents, start.gradients, start.rounded, strict=False):
        if x is None:
            continue
        error = rounded - x
        product, square = ((error * other).sum((0, 2, 3), keepdim=True) for other in (gradient, error))
        h = (product / square.clamp(min=torch.finfo(square.dtype).tiny)).clamp(min=0)
        yield torch.maximum(h, LEAST_CURVATURE * h.mean())
