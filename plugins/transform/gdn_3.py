"""The three-stage convolutional transform with generalised divisive normalisation."""

from __future__ import annotations

from torch import nn

from .layered import LayeredTransform
from .normalisation import Gdn


class ThreeStageGdnTransform(LayeredTransform):
    """Three convolutions of stride 4, 2 and 2 with GDN between them (Balle et al. 2017, arXiv:1611.01704).

    ::

        x ─ 9x9 /4 ─ GDN ─ 5x5 /2 ─ GDN ─ 5x5 /2 ─ y
        x_hat ─ ... the mirror image with transposed convolutions and inverse GDN ... ─ y_hat

    As in tensorflow/compression's ``bls2017``: neither normalisation nor bias after the third convolution.

    Args:
        channels: features between the layers and channels of the latent (N).
    """

    stride = 16
    margin = 2

    def __init__(self, *, channels: int = 128) -> None:
        super().__init__()
        n = channels
        self.latent_channels = n
        self.analysis_layers = nn.Sequential(
            nn.Conv2d(3, n, 9, stride=4, padding=4),
            Gdn(n),
            nn.Conv2d(n, n, 5, stride=2, padding=2),
            Gdn(n),
            nn.Conv2d(n, n, 5, stride=2, padding=2, bias=False),
        )
        self.synthesis_layers = nn.Sequential(
            nn.ConvTranspose2d(n, n, 5, stride=2, padding=2, output_padding=1),
            Gdn(n, inverse=True),
            nn.ConvTranspose2d(n, n, 5, stride=2, padding=2, output_padding=1),
            Gdn(n, inverse=True),
            nn.ConvTranspose2d(n, 3, 9, stride=4, padding=4, output_padding=3),
        )
