"""Slot ``context``: the network that turns what is already decoded, plus side features, into head parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from .elements import put
from .head import Head
from .schedule import Schedule, Step


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
        values: what later steps and the synthesis see of the decoded elements, ``(B, C, h, w)``, zero where not yet
            decoded; may be a view of a padded canvas. A context with latent residual prediction keeps refined values
            here.
    """

    side: Tensor | None
    values: Tensor


@dataclass(frozen=True)
class TeacherForced:
    """All parameters at once, given all values.

    Attributes:
        parameters: ``(B, P, C, h, w)``; entries of elements in unconditional steps are undefined.
        values: what the synthesis sees, ``(B, C, h, w)``: the given values, refined where the context does that.
        weight: ``(C, h, w)``, by how much each element's bits count in an unbiased estimate of the rate when only a
            sample of the elements has defined parameters; None when all count by one.
    """

    parameters: Tensor
    values: Tensor
    weight: Tensor | None = None


class Context(nn.Module, ABC):
    """Context model, including the fusion layers.

    The teacher-forced and the step-wise methods must describe the same function: in exact arithmetic they agree bit
    for bit, and perturbing an element that is not decoded yet changes nothing. The whole module lies on the
    probability path, so it may hold only layers that `plic.core.exact` knows, joined by additions, products with
    masks, concatenation and indexing.

    The first constructor argument is a `ContextWiring`.

    Attributes:
        orders: the schedule orders that this context is built for.
        reach: how far it looks, in sites, within the group of channels at hand (`Schedule.groups`): groups before are
            complete. 0 when it sees no decoded element, None when it may look everywhere.
        unconditional: head for the steps that are not conditional; None when every step is.
        refines: True when `ContextState.values` may differ from the decoded values.
    """

    orders: ClassVar[frozenset[str]]
    reach: int | None = 0
    unconditional: Head | None
    refines: ClassVar[bool] = False

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

    def teacher_forced(self, values: Tensor, side: Tensor | None) -> TeacherForced:
        """As `parameters_all`, with what else a pass over all elements gives.

        Contexts that refine values, or that estimate the rate from a sample of elements while in training mode,
        override it.
        """
        return TeacherForced(self.parameters_all(values, side), values)

    @abstractmethod
    def start(self, values: Tensor, side: Tensor | None) -> ContextState:
        """State before the first step: nothing is decoded yet.

        Args:
            values: zeros ``(B, C, h, w)``, in the precision and on the device to work in; may be kept as canvas.
            side: ``(B, F, h, w)`` or None.
        """

    @abstractmethod
    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        """Parameters ``(B, P, n)`` of the step's ``n`` elements, in coding order."""

    def observe(self, state: ContextState, step: Step, values: Tensor) -> None:
        """Take notice of the step's decoded values ``(B, n)``, in coding order."""
        put(state.values, step, values)
