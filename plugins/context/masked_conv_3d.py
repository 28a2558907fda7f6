"""Causal context over a volume: the same small network at every element."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...core.errors import IncompatibleParts
from ...core.layers import Indices, MaskedConv3d, causal_mask, live_offsets, live_volumes, pointwise
from ...core.slots import Context, ContextState, ContextWiring, Step
from ...core.threads import one_thread

ELEMENTS_AT_ONCE = 2**16
"""Elements of a teacher-forced pass whose features are in memory together; each has some hundred."""
COLUMNS_AT_ONCE = 2**13
"""Elements of a step whose neighbourhoods are in memory together; each is some hundred values large."""
FEW_ELEMENTS = 256
"""Up to here, one thread computes a step."""


class MaskedConv3dContext(Context):
    """Masked convolution over the latent as a volume of one feature, then 1x1x1 layers (Chen et al. 2021).

    ::

        decoded values (1, C, h, w) ─ masked k x k x k ─┐
                                                        ├─ 1x1x1 ─ ... ─ 1x1x1 ─ parameters (P, C, h, w)
        side features (F, h, w) ─ 3x3 ─ (1, C, h, w) ───┘

    An element sees ``k // 2`` channels before its own, in all directions, and what comes before it in its own: later
    sites of earlier channels too. Weights do not depend on the channel. ReLU between the layers.

    Args:
        wiring: what the chain delivers.
        kernel: size of the masked convolution, odd.
        features: its outputs.
        fusion: features between the 1x1x1 layers.
    """

    orders = frozenset({"volume"})

    def __init__(
        self, wiring: ContextWiring, *, kernel: int = 11, features: int = 24, fusion: tuple[int, ...] = (48, 96)
    ) -> None:
        super().__init__()
        if not wiring.parameters_per_element:
            raise IncompatibleParts(
                "context 'masked-conv-3d' has nothing to predict",
                got="a head that takes no parameters",
                hint="take context side-only without fusion layers, or another head",
            )
        self.reach: int = kernel // 2
        self.masked = MaskedConv3d(1, features, causal_mask(kernel, 3))
        self.reduce = nn.Conv2d(wiring.side_features, wiring.channels, 3, padding=1) if wiring.side_features else None
        inputs = features + (self.reduce is not None)
        self.fusion = pointwise((inputs, *fusion, wiring.parameters_per_element), slope=0)

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        hint = self._hint(side)
        padded = functional.pad(values, (self.reach,) * 6).unsqueeze(1)
        slabs = []
        for first, last in self._slabs(values):
            features = self.masked.valid(padded[:, :, first : last + 2 * self.reach])  # (B, features, slab, h, w)
            features = _append(features, None if hint is None else hint[:, first:last]).flatten(3)
            slabs.append(self.fusion(features).unflatten(3, values.shape[2:]))
        return slabs[0] if len(slabs) == 1 else torch.cat(slabs, 2)

    def start(self, values: Tensor, side: Tensor | None) -> ContextState:
        reach, (height, width) = self.reach, values.shape[2:]
        padded = functional.pad(values, (*(reach,) * 4, reach, 0))  # no later channel is ever live
        inside = padded[:, reach:, reach : reach + height, reach : reach + width]
        volume = padded.unsqueeze(1)
        return _State(side, inside, volume, live_offsets(volume, self.masked.mask), self._hint(side))

    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        if not isinstance(state, _State):
            raise TypeError("a state that this context did not start")
        elements = step.elements
        if len(elements) <= FEW_ELEMENTS:
            with one_thread():
                return self._parameters_at(state, step, elements)
        pieces = np.split(elements, range(COLUMNS_AT_ONCE, len(elements), COLUMNS_AT_ONCE))
        return torch.cat([self._parameters_at(state, step, piece) for piece in pieces], 2)

    def _parameters_at(self, state: _State, step: Step, elements: Indices) -> Tensor:
        depths, sites = np.divmod(elements, step.shape.sites)
        rows, columns = np.divmod(sites, step.shape.width)
        features = self.masked.at(live_volumes(state.padded, state.offsets, (depths, rows, columns)))
        hint = None if state.hint is None else state.hint[:, depths, rows, columns]
        parameters: Tensor = self.fusion(_append(features, hint).unsqueeze(3)).squeeze(3)
        return parameters

    def _hint(self, side: Tensor | None) -> Tensor | None:
        """One side feature per element, ``(B, C, h, w)``."""
        return None if self.reduce is None or side is None else self.reduce(side)

    @staticmethod
    def _slabs(values: Tensor) -> Iterator[tuple[int, int]]:
        """Ranges of channels that bound the memory."""
        batch, channels, height, width = values.shape
        slab = max(1, ELEMENTS_AT_ONCE // (batch * height * width))
        for first in range(0, channels, slab):
            yield first, min(first + slab, channels)


def _append(features: Tensor, hint: Tensor | None) -> Tensor:
    """The side feature after the others, along dimension 1."""
    return features if hint is None else torch.cat((features, hint.to(features.dtype).unsqueeze(1)), 1)


@dataclass
class _State(ContextState):
    padded: Tensor
    """``values`` with margins of zeros, ``(B, 1, C + reach, h + 2 reach, w + 2 reach)``."""
    offsets: Indices
    """See `live_offsets`."""
    hint: Tensor | None
    """One side feature per element, ``(B, C, h, w)``."""
