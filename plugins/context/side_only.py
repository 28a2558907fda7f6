"""No context: parameters come from the side features alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...core.errors import IncompatibleParts
from ...core.slots import Context, ContextState, ContextWiring, Step, take
from .fusion import fusion_layers


class SideOnly(Context):
    """Side features are the head's parameters, after optional 1x1 fusion layers.

    Without fusion layers the side information must deliver exactly ``P * C`` features: the published hyperprior
    models, whose hyper-synthesis ends in the parameters themselves.

    Args:
        wiring: what the chain delivers.
        fusion: features between the 1x1 layers; None for no fusion at all.
        slope: negative slope of the LeakyReLU between them.
    """

    orders = frozenset({"one-step"})

    def __init__(self, wiring: ContextWiring, *, fusion: tuple[int, ...] | None = None, slope: float = 0.01) -> None:
        super().__init__()
        self.parameters_per_element = wiring.parameters_per_element
        self.channels = wiring.channels
        wanted = wiring.parameters_per_element * wiring.channels
        if fusion is None and wanted and wiring.side_features != wanted:
            raise IncompatibleParts(
                "context 'side-only' without fusion layers passes side features on as head parameters",
                got=f"{wiring.side_features} side features",
                expected=f"{wanted} = {wiring.parameters_per_element} parameters x {wiring.channels} channels",
                hint=f"set side_information.features to {wanted}, or give the context fusion layers",
            )
        self.fusion = nn.Identity() if fusion is None else fusion_layers("side-only", wiring, 0, fusion, slope)

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        batch, _, height, width = values.shape
        shape = (batch, self.parameters_per_element, self.channels, height, width)
        if side is None or self.parameters_per_element == 0:
            return torch.zeros(shape, dtype=values.dtype, device=values.device)
        parameters: Tensor = self.fusion(side)
        return parameters.view(shape)

    def start(self, values: Tensor, side: Tensor | None) -> ContextState:
        return ContextState(side, values)

    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        return take(self.parameters_all(state.values, state.side), step)
