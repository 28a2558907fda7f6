"""Transforms that are two chains of layers."""

from __future__ import annotations

from torch import Tensor, nn

from ...core.slots import Transform


class LayeredTransform(Transform):
    """Analysis and synthesis each apply one chain of layers.

    Attributes:
        analysis_layers: from image to latent.
        synthesis_layers: from latent to image.
    """

    analysis_layers: nn.Sequential
    synthesis_layers: nn.Sequential

    def analysis(self, x: Tensor) -> Tensor:
        y: Tensor = self.analysis_layers(x)
        return y

    def synthesis(self, y_hat: Tensor) -> Tensor:
        x_hat: Tensor = self.synthesis_layers(y_hat)
        return x_hat
