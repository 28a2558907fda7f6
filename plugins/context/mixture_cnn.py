"""Mixture-tensor context: a network that sees decoded values, and its own predictions where there are none yet."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from ...core.errors import IncompatibleParts
from ...core.slots import Context, ContextState, ContextWiring, LatentShape, Step
from ..head.factorized import Factorized
from .fusion import as_planes


class MixtureCnn(Context):
    """Context of the multi-scale progressive model (Zhang et al. 2022, arXiv:2210.04112; layout inferred).

    One network serves all scales, subgroups and channel sets. Its input on the lattice of a scale is the mixture
    tensor (decoded values where known, the latest predictions elsewhere) and a mask that tells which is which; a new
    scale starts from the coarser one by nearest-neighbour upsampling. ::

        [mixture, mask] ─ 3x3 ─ residual blocks ─ 3x3 ─ parameters, among them the mean that becomes the prediction

    In training, gradients do not flow through predictions.

    Args:
        wiring: what the chain delivers; the head must have one mean.
        filters: features inside the network.
        blocks: residual blocks.
    """

    orders = frozenset({"msp"})

    def __init__(self, wiring: ContextWiring, *, filters: int = 64, blocks: int = 8) -> None:
        super().__init__()
        if wiring.mean_index is None:
            raise IncompatibleParts(
                "context 'mixture-cnn' predicts undecoded elements by the head's mean",
                got="a head without exactly one mean",
                expected="a head such as gaussian, laplacian or logistic with mean: true",
                hint="choose such a head",
            )
        self.schedule = wiring.schedule
        self.parameters_per_element = wiring.parameters_per_element
        self.mean_index = wiring.mean_index
        self.channels = wiring.channels
        self.mask_channels = wiring.channels if getattr(wiring.schedule, "seeds", 0) else 1
        self.unconditional = Factorized(wiring.channels, filters=(3, 3, 3))
        self.entry = nn.Conv2d(wiring.channels + self.mask_channels, filters, 3, padding=1)
        self.blocks = nn.ModuleList(_residual(filters) for _ in range(blocks))
        self.tail = nn.Conv2d(filters, wiring.parameters_per_element * wiring.channels, 3, padding=1)

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        batch, channels, height, width = values.shape
        shape = LatentShape(channels, height, width)
        state = _State(None, torch.zeros_like(values))
        collected = values.new_zeros(batch, self.parameters_per_element, shape.elements)
        for step in self.schedule.steps(shape, self.reach):
            known = values.flatten(2)[:, step.channels[0] : step.channels[1], step.sites].flatten(1)
            if step.conditional:
                parameters = self.parameters_at(state, step).to(collected.dtype)
                collected = collected.index_copy(2, torch.from_numpy(step.elements).to(values.device), parameters)
            self.observe(state, step, known.detach() if self.training else known)
        return collected.view(batch, -1, channels, height, width)

    def start(self, values: Tensor, side: Tensor | None) -> ContextState:
        return _State(side, values)

    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        lattice = _of(state)
        if lattice.scale != step.kind:
            lattice.enter(step.kind, self.mask_channels)
        planes = self._network(torch.cat((lattice.mixture, lattice.mask.to(lattice.mixture.dtype)), 1))
        planes = as_planes(planes, self.channels)  # (B, P, C, h_s, w_s)
        lattice.mixture = torch.where(lattice.mask, lattice.mixture, planes[:, self.mean_index].detach())
        rows, columns = lattice.on_lattice(step)
        first, last = step.channels
        return planes[:, :, first:last, rows, columns].flatten(2)

    def observe(self, state: ContextState, step: Step, values: Tensor) -> None:
        super().observe(state, step, values)
        lattice = _of(state)
        if not step.conditional:
            lattice.scale = step.kind
            return
        first, last = step.channels
        rows, columns = lattice.on_lattice(step)
        mixture = lattice.mixture.clone()
        mixture[:, first:last, rows, columns] = values.view(values.shape[0], last - first, -1).to(mixture.dtype)
        lattice.mixture = mixture
        mask_last = last if self.mask_channels > 1 else 1
        lattice.mask[:, first if self.mask_channels > 1 else 0 : mask_last, rows, columns] = True

    def _network(self, x: Tensor) -> Tensor:
        x = self.entry(x)
        for block in self.blocks:
            x = x + block(x)
        parameters: Tensor = self.tail(x)
        return parameters


@dataclass
class _State(ContextState):
    scale: int = -1
    mixture: Tensor = field(default_factory=lambda: torch.empty(0))
    mask: Tensor = field(default_factory=lambda: torch.empty(0))

    def enter(self, scale: int, mask_channels: int) -> None:
        """Go to the lattice of ``scale``: known values there, nearest-neighbour predictions elsewhere."""
        unit = 2**scale
        values = self.values[:, :, ::unit, ::unit]
        height, width = values.shape[-2:]
        coarse = self.values[:, :, :: 2 * unit, :: 2 * unit]
        upsampled = coarse.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, :height, :width]
        self.scale = scale
        self.mixture = upsampled.clone()
        self.mask = torch.zeros(values.shape[0], mask_channels, height, width, dtype=torch.bool, device=values.device)
        self.mask[:, :, ::2, ::2] = True

    def on_lattice(self, step: Step) -> tuple[Tensor, Tensor]:
        """Rows and columns of the step's sites on the current lattice."""
        rows, columns = np.divmod(step.sites, step.shape.width)
        unit = 2**step.kind
        return torch.from_numpy(rows // unit), torch.from_numpy(columns // unit)


def _of(state: ContextState) -> _State:
    if not isinstance(state, _State):
        raise TypeError("a state that this context did not start")
    return state


def _residual(filters: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(filters, filters, 3, padding=1), nn.ReLU(), nn.Conv2d(filters, filters, 3, padding=1)
    )
