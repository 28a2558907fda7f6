"""A transform that works at 1/4 to 1/16 of the image's resolution only, and starts as a KLT."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...core.layers import with_branch
from ...core.slots import Transform

FINEST, FINE, COARSE = 4, 8, 16  # image pixels per site of the three resolutions
FINEST_EXPANSION = 2
START_CROPS = 2000
AT_ONCE = 50


class PatchTransform(Transform):
    """Patches of 8x8 pixels, rotated, mixed by light residual blocks, merged to 16x16, mixed again.

    ::

        x ─ blocks ─ unshuffle 8 ─ 1x1 ─ blocks ─ unshuffle 2 ─ 1x1 ─ blocks ─ 1x1 ─ y     (synthesis mirrors it)
            48 x H/4  192 x H/8     width[0]                      width[1]          channels x H/16

    Most of a convolutional transform's time goes into its full-resolution layers; here there are none. The linear
    skeleton, the 1x1 layers outside the blocks, can start as the Karhunen-Loeve transform of 8x8 and then 16x16
    patches (`start_from`), and every residual branch starts at zero, so that training begins from a working transform
    codec instead of from noise. The blocks at 1/4 take 4x4 pixels as 48 features and give pixels again; what they see
    of each other's patches is what hides the borders of the 8x8 ones.

    Args:
        channels: latent channels, at most ``widths[1]``.
        widths: features at 1/8 and 1/16 resolution; the first at most 192, the second at most four times the first.
        blocks: residual blocks at 1/8 and 1/16 resolution.
        expansions: hidden features of these blocks' channel mixing, as multiples of the widths; 0 for blocks that only
            mix sites.
        finest_blocks: residual blocks at 1/4 resolution.
        slope: negative slope of the LeakyReLU.
        step: quantiser step, in units of orthonormal transform coefficients of images in [0, 1], that one unit of the
            latent stands for at the start.
    """

    stride = COARSE

    def __init__(
        self,
        *,
        channels: int = 256,
        widths: tuple[int, int] = (192, 320),
        blocks: tuple[int, int] = (3, 2),
        expansions: tuple[int, int] = (2, 2),
        finest_blocks: int = 0,
        slope: float = 0.2,
        step: float = 0.22,
    ) -> None:
        super().__init__()
        self.latent_channels = channels
        reach = FINEST * finest_blocks + FINE * blocks[0] + COARSE * blocks[1]  # a block looks one site around itself
        self.margin = -(-reach // COARSE)
        self.step = step
        fine, coarse = widths
        patch = 3 * FINE * FINE

        self.analysis_finest = _stack(3 * FINEST**2, finest_blocks, FINEST_EXPANSION, slope)
        self.to_fine = nn.Conv2d(patch, fine, 1)
        self.analysis_fine = _stack(fine, blocks[0], expansions[0], slope)
        self.to_coarse = nn.Conv2d(4 * fine, coarse, 1)
        self.analysis_coarse = _stack(coarse, blocks[1], expansions[1], slope)
        self.to_latent = nn.Conv2d(coarse, channels, 1)

        self.from_latent = nn.Conv2d(channels, coarse, 1)
        self.synthesis_coarse = _stack(coarse, blocks[1], expansions[1], slope)
        self.from_coarse = nn.Conv2d(coarse, 4 * fine, 1)
        self.synthesis_fine = _stack(fine, blocks[0], expansions[0], slope)
        self.from_fine = nn.Conv2d(fine, patch, 1)
        self.synthesis_finest = _stack(3 * FINEST**2, finest_blocks, FINEST_EXPANSION, slope)

    def analysis(self, x: Tensor) -> Tensor:
        patches = _unshuffled(_in_patches(self.analysis_finest, x), FINE)
        fine = self.analysis_fine(self.to_fine(patches))  # (B, fine, H/8, W/8)
        coarse = self.to_coarse(functional.pixel_unshuffle(fine, COARSE // FINE))
        latent: Tensor = self.to_latent(self.analysis_coarse(coarse))  # (B, C, H/16, W/16)
        return latent

    def synthesis(self, y_hat: Tensor) -> Tensor:
        coarse = self.synthesis_coarse(self.from_latent(y_hat.contiguous(memory_format=torch.channels_last)))
        fine = self.synthesis_fine(functional.pixel_shuffle(self.from_coarse(coarse), COARSE // FINE))
        return _in_patches(self.synthesis_finest, functional.pixel_shuffle(self.from_fine(fine), FINE))

    @torch.no_grad()
    def start_from(self, images: Iterable[Tensor]) -> None:
        """Start the linear skeleton as the KLT of the images' 8x8 and 16x16 patches."""
        moments = _Moments(3 * COARSE * COARSE)
        images = islice(images, START_CROPS)
        while crops := list(islice(images, AT_ONCE)):
            pixels = functional.pixel_unshuffle(torch.stack(crops), FINE)
            moments.add(functional.pixel_unshuffle(pixels, COARSE // FINE).cpu().double())
        mean, covariance = moments.of_parts((COARSE // FINE) ** 2)
        fine = _principal_components(covariance, self.to_fine.out_channels)
        _set_linear(self.to_fine, fine.T, -fine.T @ mean)
        _set_linear(self.from_fine, fine, mean)

        # of four 8x8 patches side by side at once; unshuffling puts their places last
        rotation = torch.kron(fine.T.contiguous(), torch.eye((COARSE // FINE) ** 2, dtype=torch.float64))
        centred = moments.mean - mean.repeat_interleave((COARSE // FINE) ** 2)
        coarse = _principal_components(rotation @ moments.covariance @ rotation.T, self.to_coarse.out_channels)
        _set_linear(self.to_coarse, coarse.T, -coarse.T @ (rotation @ centred))
        _set_linear(self.from_coarse, coarse, rotation @ centred)

        keep = torch.eye(self.latent_channels, self.to_coarse.out_channels, dtype=torch.float64)
        _set_linear(self.to_latent, keep / self.step, torch.zeros(self.latent_channels))
        _set_linear(self.from_latent, keep.T * self.step, torch.zeros(self.to_coarse.out_channels))


class _Block(nn.Module):
    """Two residual branches: spatial mixing by a depthwise convolution, then channel mixing. Both end in zeros."""

    def __init__(self, width: int, expansion: int, slope: float) -> None:
        super().__init__()
        self.mixing: nn.Sequential | None = None
        self.spatial = nn.Sequential(
            nn.Conv2d(width, width, 1),
            nn.LeakyReLU(slope, inplace=True),
            nn.Conv2d(width, width, 3, padding=1, groups=width),
            nn.Conv2d(width, width, 1),
        )
        _start_at_zero(self.spatial[-1])
        if expansion:
            self.mixing = nn.Sequential(
                nn.Conv2d(width, expansion * width, 1),
                nn.LeakyReLU(slope, inplace=True),
                nn.Conv2d(expansion * width, width, 1),
            )
            _start_at_zero(self.mixing[-1])

    def forward(self, x: Tensor) -> Tensor:
        mixed = with_branch(self.spatial, x)
        return mixed if self.mixing is None else with_branch(self.mixing, mixed)


def _start_at_zero(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def _stack(width: int, count: int, expansion: int, slope: float) -> nn.Sequential:
    return nn.Sequential(*(_Block(width, expansion, slope) for _ in range(count)))


def _in_patches(blocks: nn.Sequential, x: Tensor) -> Tensor:
    """Images ``(B, 3, H, W)`` through blocks that see them as ``(B, 48, H/4, W/4)``."""
    if not len(blocks):
        return x
    return functional.pixel_shuffle(blocks(_unshuffled(x, FINEST)), FINEST)


def _unshuffled(x: Tensor, side: int) -> Tensor:
    """`pixel_unshuffle` with channels last in memory, in one copy."""
    batch, channels, height, width = x.shape
    patches = x.reshape(batch, channels, height // side, side, width // side, side).permute(0, 2, 4, 1, 3, 5)
    return patches.reshape(batch, height // side, width // side, -1).permute(0, 3, 1, 2)


class _Moments:
    """Mean ``(D,)`` and covariance ``(D, D)`` of vectors that come in batches, so that few are held at a time."""

    def __init__(self, size: int) -> None:
        self._count = 0
        self._sum = torch.zeros(size, dtype=torch.float64)
        self._products = torch.zeros(size, size, dtype=torch.float64)

    def add(self, features: Tensor) -> None:
        """Vectors ``(B, D, h, w)``."""
        samples = features.movedim(1, -1).flatten(0, 2)  # (B * h * w, D)
        self._count += len(samples)
        self._sum += samples.sum(0)
        self._products.addmm_(samples.T, samples)

    @property
    def mean(self) -> Tensor:
        return self._sum / self._count

    @property
    def covariance(self) -> Tensor:
        return self._products / self._count - torch.outer(self.mean, self.mean)

    def of_parts(self, parts: int) -> tuple[Tensor, Tensor]:
        """Mean and covariance of all parts of the vectors, which lie interleaved in them."""
        mean = self.mean.view(-1, parts).mean(1)
        products = (self._products / self._count).view(len(mean), parts, len(mean), parts)
        return mean, products.diagonal(dim1=1, dim2=3).mean(-1) - torch.outer(mean, mean)


def _principal_components(covariance: Tensor, count: int) -> Tensor:
    """The first ``count`` eigenvectors, ``(D, count)``."""
    vectors: Tensor = torch.linalg.eigh(covariance)[1]  # ascending eigenvalues
    return vectors.flip(1)[:, :count]


def _set_linear(layer: nn.Conv2d, weight: Tensor, bias: Tensor) -> None:
    layer.weight.copy_(weight[:, :, None, None])
    if layer.bias is not None:
        layer.bias.copy_(bias)
