"""Slot ``context``: the network that turns what is already decoded, plus side features, into head parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from .head import Head
from .schedule import LatentShape, Schedule, Step


@dataclass(frozen=True)
class ContextWiring:
    """What the chain delivers to a context.

    Attributes:
        channels: latent channels ``C``.
        side_features: ``F``, 0 without side information.
        schedule: the order that the context is built against.
        parameters_per_element: ``P``, what the head takes.
        mean_index: which of them is the head's one mean; None when there is none or more than one.
    """

    channels: int
    side_features: int
    schedule: Schedule
    parameters_per_element: int
    mean_index: int | None = None


@dataclass
class ContextState:
    """What is known during coding. Contexts subclass it for predictions and caches.

    Attributes:
        side: side features ``(B, F, h, w)`` or None.
        values: decoded values ``(B, C, h, w)``, zero where not yet decoded; may be a view of a padded canvas.
    """

    side: Tensor | None
    values: Tensor


class Context(nn.Module, ABC):
    """Context model, including the fusion layers.

    ``parameters_all`` and the step-wise methods must describe the same function: in exact arithmetic they agree bit
    for bit, and perturbing an element that is not decoded yet changes nothing. The whole module lies on the
    probability path, so it may hold only layers that `plic.core.exact` knows, joined by additions, products with
    masks, concatenation and indexing.

    The first constructor argument is a `ContextWiring`.

    Attributes:
        orders: the schedule orders that this context is built for.
        reach: how far it looks, in sites; 0 when it sees no decoded element.
        unconditional: head for the steps that are not conditional; None when every step is.
    """

    orders: ClassVar[frozenset[str]]
    reach: int = 0
    unconditional: Head | None

    def __init__(self) -> None:
        super().__init__()
        self.unconditional = None  # a class attribute would hide a registered child module

    @abstractmethod
    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        """Teacher-forced parameters of every element.

        Args:
            values: ``(B, C, h, w)``, the (approximately) quantised latent.
            side: ``(B, F, h, w)`` or None.

        Returns:
            ``(B, P, C, h, w)``; entries of elements in unconditional steps are undefined.
        """

    @abstractmethod
    def start(self, shape: LatentShape, batch: int, side: Tensor | None) -> ContextState:
        """State before the first step, in double precision: nothing is decoded yet."""

    @abstractmethod
    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        """Parameters ``(B, P, n)`` of the step's ``n`` elements, in coding order."""

    def observe(self, state: ContextState, step: Step, values: Tensor) -> None:
        """Take notice of the step's decoded values ``(B, n)``."""
        first, last = step.channels
        rows, columns = np.divmod(step.sites, step.shape.width)
        state.values[:, first:last, rows, columns] = values.view(values.shape[0], last - first, -1)
