"""What contexts that look at their neighbours through a masked convolution share."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from ...core.layers import MaskedConv2d
from ...core.slots import Context, ContextWiring
from .fusion import fusion_layers


class MaskedContext(Context):
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


def canvas(batch: int, channels: int, height: int, width: int) -> Tensor:
    """Zeros in double precision, for values yet to be decoded."""
    return torch.zeros(batch, channels, height, width, dtype=torch.float64)
