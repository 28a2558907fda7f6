"""The four-stage convolutional transform with generalised divisive normalisation."""

from __future__ import annotations

from torch import nn

from .layered import LayeredTransform
from .normalisation import Gdn


class GdnTransform(LayeredTransform):
    """Four 5x5 convolutions of stride 2 with GDN between them (Balle et al. 2018, arXiv:1802.01436).

    ::

        x ─ 5x5 /2 ─ GDN ─ 5x5 /2 ─ GDN ─ 5x5 /2 ─ GDN ─ 5x5 /2 ─ y
        x_hat ─ ... the mirror image with transposed convolutions and inverse GDN ... ─ y_hat

    Args:
        channels: features between the layers (N).
        latent_channels: channels of the latent (M); ``channels`` by default.
    """

    stride = 16
    margin = 2

    def __init__(self, *, channels: int = 128, latent_channels: int | None = None) -> None:
        super().__init__()
        n, m = channels, latent_channels or channels
        self.latent_channels = m
        self.analysis_layers = nn.Sequential(_down(3, n), Gdn(n), _down(n, n), Gdn(n), _down(n, n), Gdn(n), _down(n, m))
        self.synthesis_layers = nn.Sequential(
            _up(m, n), Gdn(n, inverse=True), _up(n, n), Gdn(n, inverse=True), _up(n, n), Gdn(n, inverse=True), _up(n, 3)
        )


def _down(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)


def _up(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1)
