"""Causal context: a masked convolution over decoded sites, fused with the side features."""

from __future__ import annotations

from torch import Tensor

from ...core.layers import causal_mask
from ...core.slots import ContextState, ContextWiring, Step
from .fusion import as_planes, join
from .masked import MaskedContext, padded_values


class MaskedConv(MaskedContext):
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
        last_bias: whether the last of these layers adds a bias.
    """

    name = "masked-conv"
    orders = frozenset({"raster"})

    def __init__(
        self,
        wiring: ContextWiring,
        *,
        kernel: int = 5,
        features: int | None = None,
        fusion: tuple[int, ...] = (640, 640),
        slope: float = 0.01,
        last_bias: bool = True,
    ) -> None:
        super().__init__(wiring, kernel=kernel, features=features, fusion=fusion, slope=slope)
        if not last_bias:
            self.fusion[-1].register_parameter("bias", None)

    @staticmethod
    def live_taps(kernel: int) -> Tensor:
        return causal_mask(kernel)

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        return as_planes(self.fusion(join(side, self.masked(values))), self.channels)

    def start(self, values: Tensor, side: Tensor | None) -> ContextState:
        return self.padded_state(values, side, below=False)  # nothing below the last row is ever live

    def parameters_at_sites(self, state: ContextState, step: Step) -> Tensor:
        return self.fused_at(state, self.masked.at_sites(padded_values(state), *step.rows_and_columns), step)
