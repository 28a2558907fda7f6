"""How close a decoded picture is to its original."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..errors import PlicError, missing_package

Pixels = npt.NDArray[np.uint8]

PEAK = 255
SMALLEST_SIDE = 161
"""Pixels that both sides must have for MS-SSIM: its 11-pixel window is used at five scales, (11 - 1) * 2^4 + 1."""


def psnr(reference: Pixels, decoded: Pixels) -> float:
    """Peak signal-to-noise ratio over all samples, 10 log10(255^2 / MSE).

    Args:
        reference: uint8 ``(H, W, 3)``.
        decoded: likewise.

    Returns:
        dB; infinite for identical pictures.

    Raises:
        PlicError: the arrays are not uint8 ``(H, W, 3)`` of one size.
    """
    _check(reference, decoded)
    error = float(np.mean(np.square(reference.astype(np.float64) - decoded)))
    return 10 * math.log10(PEAK**2 / error) if error else math.inf


def ms_ssim(reference: Pixels, decoded: Pixels) -> float:
    """Multi-scale structural similarity, the mean over the three channels, computed by ``pytorch-msssim`` in float32.

    Args:
        reference: uint8 ``(H, W, 3)``.
        decoded: likewise.

    Returns:
        0 to 1; NaN for pictures of fewer than 161 pixels on a side, for which it is not defined.

    Raises:
        PlicError: the arrays are not uint8 ``(H, W, 3)`` of one size.
        PluginError: ``pytorch-msssim`` is not installed.
    """
    _check(reference, decoded)
    if min(reference.shape[:2]) < SMALLEST_SIDE:
        return math.nan
    try:
        import pytorch_msssim
    except ImportError as error:
        raise missing_package("MS-SSIM needs pytorch-msssim", "train") from error
    import torch

    with torch.inference_mode():
        pair = [
            torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None].float()  # (1, 3, H, W)
            for pixels in (reference, decoded)
        ]
        return float(pytorch_msssim.ms_ssim(*pair, data_range=PEAK))


def ms_ssim_db(value: float) -> float:
    """MS-SSIM on a scale where differences near 1 show: -10 log10(1 - value), in dB; infinite for 1."""
    return -10 * math.log10(1 - value) if value < 1 or math.isnan(value) else math.inf


def _check(reference: Pixels, decoded: Pixels) -> None:
    for pixels in (reference, decoded):
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape != (*reference.shape[:2], 3):
            raise PlicError(
                "pictures cannot be compared",
                got=" and ".join(f"{one.dtype} {one.shape}" for one in (reference, decoded)),
                expected="two uint8 arrays (H, W, 3) of one size",
                hint="compare Picture.pixels",
            )
