"""What contexts that look at their neighbours through a masked convolution share."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...core.layers import MaskedConv2d, with_margin
from ...core.slots import Context, ContextState, ContextWiring, Step, at_sites
from .fusion import as_planes, fusion_layers, join

SITES_AT_ONCE = 2048  # bounds the memory of large pictures


@dataclass
class PaddedState(ContextState):
    padded: Tensor
    """``values`` with margins of zeros, see `plic.core.layers.with_margin`."""


def padded_values(state: ContextState) -> Tensor:
    """What such a state knows."""
    if not isinstance(state, PaddedState):
        raise TypeError("a state that this context did not start")
    return state.padded


class SitewiseContext(Context):
    """Parameters of all channels of a site at once, of so many sites at a time that memory does not grow with them.

    Attributes:
        channels: latent channels.
        fusion: 1x1 layers from side and context features to all parameters.
    """

    channels: int
    fusion: nn.Sequential

    def padded_state(self, values: Tensor, side: Tensor | None, below: bool = True) -> PaddedState:
        """The state before the first step, for what looks as far as `reach`."""
        padded, inside = with_margin(values, self.reach or 0, below)
        return PaddedState(side, inside, padded)

    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        pieces = [self.parameters_at_sites(state, piece) for piece in step.pieces(SITES_AT_ONCE)]
        return (pieces[0] if len(pieces) == 1 else torch.cat(pieces, 3)).flatten(2)

    @abstractmethod
    def parameters_at_sites(self, state: ContextState, step: Step) -> Tensor:
        """Parameters ``(B, P, C, n)`` of a step of few sites."""

    def fused_at(self, state: ContextState, context: Tensor, step: Step) -> Tensor:
        """These parameters, given the sites' context features ``(B, features, n)``."""
        side = None if state.side is None else at_sites(state.side, step)
        joined = join(side, context).unsqueeze(-1)
        return as_planes(self.fusion(joined), self.channels).squeeze(-1)


class MaskedContext(SitewiseContext):
    """A masked convolution over decoded values, then 1x1 fusion layers with the side features.

    Args:
        wiring: what the chain delivers.
        kernel: size of the masked convolution, odd.
        features: its outputs; by default twice the latent channels.
        fusion: features between the 1x1 layers.
        slope: negative slope of the LeakyReLU between them.
    """

    name: ClassVar[str]

    def __init__(
        self,
        wiring: ContextWiring,
        *,
        kernel: int = 5,
        features: int | None = None,
        fusion: tuple[int, ...] = (640, 640),
        slope: float = 0.01,
    ) -> None:
        super().__init__()
        self.reach = kernel // 2
        self.channels = wiring.channels
        features = features or 2 * wiring.channels
        self.masked = MaskedConv2d(wiring.channels, features, self.live_taps(kernel))
        self.fusion = fusion_layers(self.name, wiring, features, fusion, slope)

    @staticmethod
    @abstractmethod
    def live_taps(kernel: int) -> Tensor:
        """``(kernel, kernel)``, True for the taps of the convolution that are used."""
