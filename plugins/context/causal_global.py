"""Context of two channel groups, of which the second looks for similar places in all that is decoded."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ...core.errors import IncompatibleParts
from ...core.layers import Indices, MaskedConv2d, causal_mask, with_margin
from ...core.slots import Context, ContextState, ContextWiring, Step, at_sites
from .fusion import as_planes, fusion_layers, join
from .global_prediction import Embedded, GlobalPrediction
from .masked import PaddedState

NAME = "causal-global"


class CausalGlobal(Context):
    """Causal context with global prediction (Guo et al. 2022, arXiv:2011.09704; layout inferred).

    ::

        group 1:  side features ──────────────────────┐
                  group 1 before ── masked k x k ─────┴─ 1x1 ─ ... ─ parameters

        group 2:  side features ──────────────────────┐
                  group 1 ───────── k x k ────────────┤
                  group 2 before ── masked k x k ─────┼─ 1x1 ─ ... ─ parameters
                  group 2 before ── attention ────────┘

    The attention predicts group 2 of a site from all sites before it, weighted by how alike group 1 is around them, see
    `GlobalPrediction`. Its queries and keys follow from group 1 alone and are computed once.

    Args:
        wiring: what the chain delivers.
        kernel: size of convolutions and patches, odd.
        features: outputs of each convolution; by default the latent's channels, twice those of a group.
        embedding: features of queries and keys; by default those of a group.
        fusion: features between the 1x1 layers.
        slope: negative slope of the LeakyReLU between them.

    Attributes:
        reach: of the first group; the order itself grants the second everything before.
    """

    orders = frozenset({"two-groups-raster"})

    def __init__(
        self,
        wiring: ContextWiring,
        *,
        kernel: int = 5,
        features: int | None = None,
        embedding: int | None = None,
        fusion: tuple[int, ...] = (640, 640),
        slope: float = 0.01,
    ) -> None:
        super().__init__()
        groups = wiring.schedule.groups(wiring.channels)
        if len(groups) != 2:
            raise IncompatibleParts(
                f"context {NAME!r} predicts one group of channels from another",
                got=f"a latent of {wiring.channels} channels in {len(groups)} group",
                expected="two groups",
                hint="give the transform more latent channels",
            )
        self.reach = kernel // 2
        self.sizes = [last - first for first, last in groups]
        size, features = self.sizes[0], features or wiring.channels
        self.first, self.second = (
            _Group(replace(wiring, channels=size), kernel, features, further, fusion, slope)
            for size, further in zip(self.sizes, (0, features + self.sizes[1]), strict=True)
        )
        self.cross = nn.Conv2d(size, features, kernel, padding=kernel // 2)
        self.prediction = GlobalPrediction(size, self.sizes[1], embedding or size, kernel)

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        one, two = self._halves(values)
        predicted = self.prediction(self.prediction.embed(one), two.flatten(2)).view_as(two)
        further = torch.cat((self.cross(one), predicted), 1)
        return torch.cat((self.first(one, side), self.second(two, side, further)), 2)

    def start(self, values: Tensor, side: Tensor | None) -> ContextState:
        reach = self.first.masked.mask.shape[-1] // 2
        padded, inside = with_margin(values, reach, below=False)  # nothing below the last row is ever live
        return _State(side, inside, padded)

    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        state = _of(state)
        rows, columns = step.rows_and_columns
        side = None if state.side is None else at_sites(state.side, step)
        padded = state.padded[:, slice(*step.channels)]
        if step.kind == 0:
            return self.first.at(padded, side, rows, columns)
        memory, sites = self._memory_of(state), torch.from_numpy(step.sites)
        further = torch.cat((memory.cross[:, :, sites], self.prediction.at(memory.embedded, memory.values, sites)), 1)
        return self.second.at(padded, side, rows, columns, further)

    def observe(self, state: ContextState, step: Step, values: Tensor) -> None:
        super().observe(state, step, values)
        if step.kind == 1:
            seen = self._memory_of(_of(state)).values
            seen[:, :, step.sites] = values.to(seen.dtype).view(len(values), -1, len(step.sites))

    def _halves(self, values: Tensor) -> tuple[Tensor, Tensor]:
        first = self.sizes[0]
        return values[:, :first], values[:, first:]

    def _memory_of(self, state: _State) -> _Memory:
        """The state's memory, made when group 1 is complete."""
        if state.memory is None:
            one, two = self._halves(state.values)
            nothing = two.new_zeros(*two.shape[:2], two[0, 0].numel())
            state.memory = _Memory(self.cross(one).flatten(2), self.prediction.embed(one), nothing)
        return state.memory


class _Group(nn.Module):
    """Masked convolution over one group, fused with side features and whatever else is known.

    Args:
        wiring: as the context's, with the channels of the group.
        kernel: size of the masked convolution.
        features: its outputs.
        further: features besides these and the side features.
        fusion: features between the 1x1 layers.
        slope: negative slope of the LeakyReLU between them.
    """

    def __init__(
        self, wiring: ContextWiring, kernel: int, features: int, further: int, fusion: tuple[int, ...], slope: float
    ) -> None:
        super().__init__()
        self.channels = wiring.channels
        self.masked = MaskedConv2d(wiring.channels, features, causal_mask(kernel))
        self.fusion = fusion_layers(NAME, wiring, features + further, fusion, slope)

    def forward(self, values: Tensor, side: Tensor | None, further: Tensor | None = None) -> Tensor:
        """Parameters ``(B, P, C, h, w)`` at all sites."""
        return self._fused(self.masked(values), side, further)

    def at(
        self, padded: Tensor, side: Tensor | None, rows: Indices, columns: Indices, further: Tensor | None = None
    ) -> Tensor:
        """Parameters ``(B, P, C * n)`` at single sites, of which side and further features are given."""
        context = self.masked.at_sites(padded, rows, columns)
        side, further = (None if x is None else x.unsqueeze(-1) for x in (side, further))
        return self._fused(context.unsqueeze(-1), side, further).flatten(2)

    def _fused(self, context: Tensor, side: Tensor | None, further: Tensor | None) -> Tensor:
        known = context if further is None else torch.cat((context, further.to(context.dtype)), 1)
        return as_planes(self.fusion(join(side, known)), self.channels)


@dataclass
class _Memory:
    """What sites of group 2 look up, ``(B, features, h * w)`` each. ``values`` are those of group 2 as far as known."""

    cross: Tensor
    embedded: Embedded
    values: Tensor


@dataclass
class _State(PaddedState):
    memory: _Memory | None = None


def _of(state: ContextState) -> _State:
    if not isinstance(state, _State):
        raise TypeError("a state that this context did not start")
    return state
