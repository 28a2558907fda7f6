"""What transforms made of residual blocks share: blocks that change the resolution, their arrangement, its reach.

::

    x     ─ down ─ block ─ down ─ attention ─ block ─ down ─ block ─ 3x3 /2 ─ attention ─ y
    y_hat ─ attention ─ block ─ up ─ block ─ up ─ attention ─ block ─ up ─ block ─ sub-pixel 3x3 ─ x_hat
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from .normalisation import Gdn

STRIDE = 16
ATTENTION_REACH = 3  # sites that an attention module looks around itself: three 3x3 convolutions in a row

Make = Callable[[], nn.Module]


def residual_unit(channels: int, slope: float) -> nn.Sequential:
    """``L(conv(L(conv(x))))``: the branch of a residual block."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.LeakyReLU(slope),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.LeakyReLU(slope),
    )


class ResidualBlock(nn.Module):
    """``x + L(conv(L(conv(x))))``."""

    def __init__(self, channels: int, slope: float) -> None:
        super().__init__()
        self.main = residual_unit(channels, slope)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.main(x)
        return y


class Down(nn.Module):
    """``GDN(conv(L(conv /2 (x)))) + conv1x1 /2 (x)``."""

    def __init__(self, inputs: int, outputs: int, slope: float) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1),
            nn.LeakyReLU(slope),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            Gdn(outputs),
        )
        self.skip = nn.Conv2d(inputs, outputs, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.main(x) + self.skip(x)
        return y


class Up(nn.Module):
    """``IGDN(conv(L(sub-pixel conv(x)))) + sub-pixel conv(x)``.

    Args:
        channels: features.
        slope: negative slope of the LeakyReLU.
        skip_kernel: size of the convolution in the shortcut, 1 or 3.
    """

    def __init__(self, channels: int, slope: float, skip_kernel: int = 1) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, 4 * channels, 3, padding=1),
            nn.LeakyReLU(slope),
            nn.PixelShuffle(2),
            nn.Conv2d(channels, channels, 3, padding=1),
            Gdn(channels, inverse=True),
        )
        self.skip = nn.Sequential(
            nn.Conv2d(channels, 4 * channels, skip_kernel, padding=skip_kernel // 2), nn.PixelShuffle(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.main(x) + self.skip(x)
        return y


def analysis_chain(
    channels: int, slope: float, block: Make, attention: Make | None, last_bias: bool = True
) -> nn.Sequential:
    """From the image to the latent.

    Args:
        channels: features everywhere.
        slope: negative slope of the LeakyReLU.
        block: makes a block that keeps the resolution.
        attention: makes an attention module; None for none.
        last_bias: whether the last convolution has a bias.
    """
    n = channels
    attend = [] if attention is None else [attention(), attention()]
    return nn.Sequential(
        *(Down(3, n, slope), block(), Down(n, n, slope), *attend[:1]),
        *(block(), Down(n, n, slope), block()),
        *(nn.Conv2d(n, n, 3, stride=2, padding=1, bias=last_bias), *attend[1:]),
    )


def synthesis_chain(
    channels: int, slope: float, block: Make, attention: Make | None, skip_kernel: int = 1
) -> nn.Sequential:
    """From the latent to the image; arguments as for `analysis_chain`, ``skip_kernel`` as for `Up`."""
    n = channels
    attend = [] if attention is None else [attention(), attention()]
    up = [Up(n, slope, skip_kernel) for _ in range(3)]
    return nn.Sequential(
        *(*attend[:1], block(), up[0], block(), up[1]),
        *(*attend[1:], block(), up[2], block()),
        *(nn.Conv2d(n, 3 * 4, 3, padding=1), nn.PixelShuffle(2)),
    )


def margin(block: int, attention: bool) -> int:
    """Latent sites around a site that its latent and its pixels depend on.

    Followed layer by layer against the direction of the data, in samples of the resolution at hand.

    Args:
        block: 3x3 convolutions in a row of a block.
        attention: whether there are attention modules.
    """
    extra = ATTENTION_REACH if attention else 0
    at_each_resolution = (block, block + extra, block)  # at 1/8, 1/4, 1/2 of the image

    pixels = 2 * extra + 1  # 3x3 /2
    for here in at_each_resolution:
        pixels = 2 * (pixels + here + 1) + 1  # the 3x3 and the 3x3 /2 of a block that goes down
    analysis = -(-pixels // STRIDE)

    sites = 1  # sub-pixel 3x3
    for here in reversed(at_each_resolution):
        sites = -(-(sites + here + 1) // 2) + 1  # the 3x3 and the sub-pixel 3x3 of a block that goes up
    return max(analysis, sites + block + extra)
