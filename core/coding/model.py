"""What determines the probabilities of a latent, and what coding it gives."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .. import joints
from ..errors import PlicError
from ..probability import IntegerDistribution, Support
from ..slots import Context, ContextState, Distributions, Grid, LatentShape, Schedule, Step

Symbols = npt.NDArray[np.int32]


@dataclass(frozen=True)
class LatentModel:
    """Everything that determines the probabilities of one latent, in exact arithmetic.

    Attributes:
        context: hardened.
        head: frozen head of the conditional steps.
        parameters_per_element: that the head takes; one that takes none brings tables and windows of its own.
        schedule: order of the elements.
        grid: where quantised values lie.
        mean_index: the mean among the head's parameters, for the mean-centred grid.
        medians: ``(C,)``, for the channel-median grid.
    """

    context: Context
    head: Distributions
    parameters_per_element: int
    schedule: Schedule
    grid: Grid
    mean_index: int | None = None
    medians: Tensor | None = None

    @property
    def takes_parameters(self) -> bool:
        """Whether the head takes any parameters."""
        return self.parameters_per_element > 0

    def steps(self, shape: LatentShape) -> list[Step]:
        """The schedule's steps for a latent of ``shape``."""
        return joints.steps(self.schedule, shape, self.context.reach)

    def uses_window(self, step: Step) -> bool:
        """Whether the step's distributions take their window from the stream, not from tables of their own."""
        return step.conditional and self.takes_parameters

    def parameters(self, state: ContextState, step: Step) -> Tensor:
        """Head parameters of a step, ``(B, P, n)``; ``P`` is 0 for an unconditional one."""
        if not step.conditional:
            return torch.zeros(len(state.values), 0, step.size, dtype=torch.float64)
        return joints.parameters_at(self.context, state, step, self.parameters_per_element)

    def centre(self, parameters: Tensor, step: Step) -> Tensor:
        """Offset of the grid, ``(B or 1, n)`` or a single zero, on the exact grid."""
        if self.grid is Grid.MEAN and step.conditional and self.mean_index is not None:
            return parameters[:, self.mean_index]
        if self.grid is Grid.MEDIAN and self.medians is not None:
            return self.medians[step.element_channels][None]
        return torch.zeros(1, 1, dtype=torch.float64)

    def distribution(self, parameters: Tensor, step: Step, support: Support) -> IntegerDistribution:
        """Integer distributions of one image's step; ``parameters`` are ``(P, n)``."""
        if not step.conditional:
            none, head = np.empty((0, step.size)), self.context.unconditional
            return joints.distribution(head, self._unconditional(), none, step.element_channels, support)
        raw = parameters.numpy()
        if self.grid is Grid.MEAN and self.mean_index is not None:
            raw = raw.copy()
            raw[self.mean_index] = 0
        return self.head(raw, step.element_channels, support)

    def _unconditional(self) -> Distributions:
        head: object = self.context.unconditional
        if not callable(head):
            raise PlicError("a step is not conditional, and the context has no density for it")
        return head


@dataclass(frozen=True)
class CodedLatent:
    """Result of encoding or decoding a batch of latents.

    Attributes:
        payloads: bytes per image.
        values: quantised latents ``(B, C, h, w)``, float64.
        symbols: int32 ``(B, C * h * w)``.
        bits: the model's own cross-entropy per image; NaN unless asked for.
    """

    payloads: list[bytes]
    values: Tensor
    symbols: Symbols
    bits: npt.NDArray[np.float64]


def digest(symbols: list[Symbols]) -> int:
    """CRC-32 of all symbols of one image, as little-endian int32."""
    checksum = 0
    for part in symbols:
        checksum = zlib.crc32(np.ascontiguousarray(part, dtype="<i4").tobytes(), checksum)
    return checksum


def windowed_elements(model: LatentModel, steps: list[Step]) -> npt.NDArray[np.int64] | slice:
    """Flat indices of the elements whose distributions take their window from the stream."""
    windowed = [step for step in steps if model.uses_window(step)]
    if len(windowed) == len(steps):
        return slice(None)
    return np.concatenate([np.zeros(0, dtype=np.int64), *(step.elements for step in windowed)])
