"""Multi-scale structural similarity."""

from __future__ import annotations

import torch
from torch import Tensor

from ...core.errors import ImageError
from ...core.slots import Distortion
from .similarity import SMALLEST_SIDE, ms_ssim


class MsSsim(Distortion):
    """``1 - MS-SSIM`` on images in [0, 1], so that lambda is on the scale of published models: 2.4 to 220.

    In float32, whatever precision the transforms are trained in. It is not defined for small pictures, so training
    crops must have at least 161 pixels on a side, and smaller pictures cannot be refined.

    Wang, Simoncelli and Bovik 2003, with the five weights given there.
    """

    smallest_side = SMALLEST_SIDE

    def __call__(self, x: Tensor, x_hat: Tensor) -> Tensor:
        if min(x.shape[2:]) < SMALLEST_SIDE:
            raise ImageError(
                "a picture is too small for distortion 'ms-ssim'",
                got=f"{x.shape[3]}x{x.shape[2]} pixels",
                expected=f"at least {SMALLEST_SIDE} on both sides",
                hint=f"in training, set training.crop to {SMALLEST_SIDE} or more; refining needs larger pictures",
            )
        with torch.autocast(x.device.type, enabled=False):
            return (1 - ms_ssim(x.float(), x_hat.float())).clamp(min=0)  # rounding may take it a little below
