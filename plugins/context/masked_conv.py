"""Causal context: a masked convolution over decoded sites, fused with the side features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...core.layers import MaskedConv2d, causal_mask, live_windows
from ...core.slots import Context, ContextState, ContextWiring, LatentShape, Step
from .fusion import as_planes, fusion_layers, join


class MaskedConv(Context):
    """Masked convolution over all channels of the sites before, then 1x1 fusion layers (Minnen et al. 2018).

    ::

        decoded values ─ masked k x k ─┐
                                       ├─ 1x1 ─ ... ─ 1x1 ─ parameters
        side features ─────────────────┘

    Args:
        wiring: what the chain delivers.
        kernel: size of the masked convolution, odd.
        features: its outputs; by default twice the latent channels.
        fusion: features between the 1x1 layers.
        slope: negative slope of the LeakyReLU between them.
    """

    orders = frozenset({"raster"})

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
        self.masked = MaskedConv2d(wiring.channels, features, causal_mask(kernel))
        self.fusion = fusion_layers("masked-conv", wiring, features, fusion, slope)

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        return as_planes(self.fusion(join(side, self.masked(values))), self.channels)

    def start(self, shape: LatentShape, batch: int, side: Tensor | None) -> ContextState:
        reach = self.reach
        padded = torch.zeros(
            batch, shape.channels, shape.height + reach, shape.width + 2 * reach, dtype=torch.float64
        )  # nothing below the last row is ever live
        return _State(side, padded[:, :, reach:, reach : reach + shape.width], padded)

    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        if not isinstance(state, _State):
            raise TypeError("a state that this context did not start")
        rows, columns = np.divmod(step.sites, step.shape.width)
        window = live_windows(state.padded, self.masked.mask, rows, columns)
        side = None if state.side is None else state.side[:, :, rows, columns]
        joined = join(side, self.masked.at(window))
        return as_planes(self.fusion(joined.unsqueeze(-1)), self.channels).flatten(2)


@dataclass
class _State(ContextState):
    padded: Tensor
    """``values`` with margins of zeros, ``(B, C, h + reach, w + 2 reach)``."""
