"""Convolutional transform with residual blocks and without normalisation."""

from __future__ import annotations

from torch import Tensor, nn

from .layered import LayeredTransform


class PlainResidualTransform(LayeredTransform):
    """Residual blocks between strided and sub-pixel convolutions, no normalisation anywhere.

    The transform of the multi-scale progressive model (Zhang et al. 2022, arXiv:2210.04112), of which only the number
    of parameters is published; the layout is inferred from it. ::

        x     ─ 5x5 /2 ─ L ─ RB ─ 3x3 /2 ─ L ─ RB ─ 3x3 /2 ─ L ─ RB ─ 3x3 /2 ─ RB ─ y
        y_hat ─ RB ─ RB ─ sub-pixel ─ RB ─ sub-pixel ─ RB ─ sub-pixel ─ RB ─ sub-pixel ─ x_hat

    RB is ``x + conv(L(conv(x)))``, 3x3; L is LeakyReLU. It follows neither a block's sum nor the last convolution that
    goes down, for a latent must be able to take either sign.

    Args:
        channels: features everywhere and channels of the latent.
        slope: negative slope of the LeakyReLU.
    """

    stride = 16
    margin = 8  # exact for the synthesis; the analysis looks 76 pixels far

    def __init__(self, *, channels: int = 128, slope: float = 0.01) -> None:
        super().__init__()
        n = channels
        self.latent_channels = n
        self.analysis_layers = nn.Sequential(
            *(nn.Conv2d(3, n, 5, stride=2, padding=2), nn.LeakyReLU(slope), _Residual(n, slope)),
            *(nn.Conv2d(n, n, 3, stride=2, padding=1), nn.LeakyReLU(slope), _Residual(n, slope)),
            *(nn.Conv2d(n, n, 3, stride=2, padding=1), nn.LeakyReLU(slope), _Residual(n, slope)),
            *(nn.Conv2d(n, n, 3, stride=2, padding=1), _Residual(n, slope)),
        )
        self.synthesis_layers = nn.Sequential(
            _Residual(n, slope),
            *(_Residual(n, slope), _sub_pixel(n, n)),
            *(_Residual(n, slope), _sub_pixel(n, n)),
            *(_Residual(n, slope), _sub_pixel(n, n)),
            *(_Residual(n, slope), _sub_pixel(n, 3)),
        )


class _Residual(nn.Module):
    def __init__(self, channels: int, slope: float) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.activation = nn.LeakyReLU(slope)
        self.last = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.last(self.activation(self.first(x)))
        return y


def _sub_pixel(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 3, padding=1), nn.PixelShuffle(2))
