"""Multi-scale structural similarity that can be trained for: finite gradients everywhere."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..layers import lower_bound

WINDOW, SIGMA = 11, 1.5
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, finest first
C1, C2 = 0.01**2, 0.03**2  # for pictures in [0, 1]
SMALLEST_SIDE = (WINDOW - 1) * 2 ** (len(WEIGHTS) - 1) + 1
FLOOR = 1e-3
"""Least mean of a scale's terms. They may be negative, where a fractional power has no value, and at zero no slope."""


def ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """Multi-scale structural similarity of each image, the mean over its channels.

    The values are those of ``pytorch-msssim``, up to rounding. That sets a scale whose mean contrast is negative to
    zero, where its gradient is not a number; here such a scale counts as `FLOOR`, and gradients that would raise it
    still pass.

    Args:
        x: ``(B, C, H, W)``, float32, nominally in [0, 1]; sides of at least `SMALLEST_SIDE`.
        y: likewise.

    Returns:
        ``(B,)``, above 0 and, but for rounding, at most 1.
    """
    window = _window(x)
    similarity = torch.ones_like(x[:, :, 0, 0])
    for scale, weight in enumerate(WEIGHTS):
        coarsest = scale == len(WEIGHTS) - 1
        mean = _terms(x, y, window, luminance=coarsest).mean((2, 3))  # (B, C)
        similarity = similarity * lower_bound(mean, FLOOR) ** weight
        if not coarsest:
            x, y = _halved(x), _halved(y)
    return similarity.mean(1)


def _window(like: Tensor) -> Tensor:
    """Gaussian ``(1, 1, 1, WINDOW)`` of sum 1, made on the pictures' device: nothing waits for a copy."""
    offsets = torch.arange(WINDOW, device=like.device, dtype=like.dtype) - WINDOW // 2
    weights = torch.exp(-offsets.square() / (2 * SIGMA**2))
    return (weights / weights.sum()).view(1, 1, 1, WINDOW)


def _terms(x: Tensor, y: Tensor, window: Tensor, *, luminance: bool) -> Tensor:
    """Contrast and structure in every window, ``(B, C, H - 10, W - 10)``; times the luminance term if asked for."""
    moments = torch.cat((x, y, x * x + y * y, x * y), 1)  # (B, 4 C, H, W)
    mean_x, mean_y, squares, product = _blurred(moments, window).chunk(4, 1)
    means, both = mean_x.square() + mean_y.square(), mean_x * mean_y
    # A difference of large numbers: rounding may take it below zero, and the quotient anywhere.
    variances = (squares - means).clamp(min=0)
    contrast = (2 * (product - both) + C2) / (variances + C2)
    return (2 * both + C1) / (means + C1) * contrast if luminance else contrast


def _blurred(planes: Tensor, window: Tensor) -> Tensor:
    count = planes.shape[1]
    across = window.expand(count, 1, 1, WINDOW)
    return functional.conv2d(functional.conv2d(planes, across, groups=count), across.transpose(2, 3), groups=count)


def _halved(planes: Tensor) -> Tensor:
    """Means of 2x2 pixels; odd sides get a zero row or column before the first and after the last pixel."""
    return functional.avg_pool2d(planes, 2, padding=(planes.shape[2] % 2, planes.shape[3] % 2))
