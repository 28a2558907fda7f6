"""Hyperprior: a second, four times coarser latent that describes the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from ...core.slots import SideInformation
from ..head.factorized import Factorized


class Hyperprior(SideInformation):
    """Hyperprior in its published shapes.

    ``5x5`` (Balle et al. 2018, Minnen et al. 2018)::

        y ─ 3x3 ─ 5x5 /2 ─ 5x5 /2 ─ z          z ─ 5x5 x2 ─ 5x5 x2 ─ 3x3 ─ features

    ``3x3`` (Cheng et al. 2020, Fu et al. 2021)::

        y ─ 3x3 ─ 3x3 ─ 3x3 /2 ─ 3x3 ─ 3x3 /2 ─ z
        z ─ 3x3 ─ 3x3 x2 ─ 3x3 ─ 3x3 x2 ─ 3x3 ─ features

    with an activation between the layers. The layers marked x2 are transposed convolutions; ``3x3-subpixel``
    (CompressAI's version of Cheng et al.) is ``3x3`` with sub-pixel convolutions instead.

    Args:
        latent_channels: channels of ``y``.
        channels: channels of ``z`` and of the analysis.
        features: side features; by default twice the latent channels.
        kernels: which shape.
        widths: features between the synthesis layers, 2 numbers for ``5x5`` and 4 for the others; by default
            ``channels`` everywhere for ``5x5``, and with 1.5 times the channels after the first upsampling for
            the others.
        absolute: feed the analysis with |y|, as a scale-only hyperprior does.
        slope: negative slope of the activation; 0 gives ReLU.
        positive: ReLU after the last synthesis layer.
        filters: widths of the density of ``z``.
        last_kernel: size of the synthesis's last convolution; it takes most of the synthesis's time.
    """

    stride = 4

    def __init__(
        self,
        latent_channels: int,
        *,
        channels: int = 128,
        features: int | None = None,
        kernels: Literal["5x5", "3x3", "3x3-subpixel"] = "5x5",
        widths: tuple[int, ...] | None = None,
        absolute: bool = False,
        slope: float = 0.01,
        positive: bool = False,
        filters: tuple[int, ...] = (3, 3, 3, 3),
        last_kernel: Literal[1, 3] = 3,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.features = features or 2 * latent_channels
        self.absolute = absolute
        self.head = Factorized(channels, filters=filters)
        n, m, out = channels, latent_channels, self.features
        synthesis: list[nn.Module]
        if kernels == "5x5":
            a, b = widths or (n, n)
            analysis = [_conv(m, n, 3), _conv(n, n, 5, 2), _conv(n, n, 5, 2)]
            synthesis = [_up(n, a, 5), _up(a, b, 5), _conv(b, out, last_kernel)]
        else:
            a, b, c, d = widths or (n, n, n * 3 // 2, n * 3 // 2)
            analysis = [_conv(m, n, 3), _conv(n, n, 3), _conv(n, n, 3, 2), _conv(n, n, 3), _conv(n, n, 3, 2)]
            up = _up if kernels == "3x3" else _sub_pixel
            synthesis = [_conv(n, a, 3), up(a, b, 3), _conv(b, c, 3), up(c, d, 3), _conv(d, out, last_kernel)]
        self.hyper_analysis = _with_activations(analysis, slope)
        self.hyper_synthesis = _with_activations(synthesis, slope)
        if positive:
            self.hyper_synthesis.append(nn.ReLU())

    def analysis(self, y: Tensor) -> Tensor:
        z: Tensor = self.hyper_analysis(y.abs() if self.absolute else y)
        return z

    def synthesis(self, z_hat: Tensor, height: int, width: int) -> Tensor:
        features: Tensor = self.hyper_synthesis(z_hat)
        return features[:, :, :height, :width]


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2)


def _up(inputs: int, outputs: int, kernel: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride=2, padding=kernel // 2, output_padding=1)


def _sub_pixel(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, 4 * outputs, kernel, padding=kernel // 2), nn.PixelShuffle(2))


def _with_activations(layers: Sequence[nn.Module], slope: float) -> nn.Sequential:
    chain: list[nn.Module] = []
    for layer in layers:
        chain += [layer, nn.LeakyReLU(slope) if slope else nn.ReLU()]
    return nn.Sequential(*chain[:-1])
