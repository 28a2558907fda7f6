"""Mean squared error."""

from __future__ import annotations

from torch import Tensor

from ...core.slots import Distortion


class Mse(Distortion):
    """``255^2 * MSE`` on images in [0, 1], so that lambda is on the scale of images in 0..255."""

    def __call__(self, x: Tensor, x_hat: Tensor) -> Tensor:
        return 255**2 * (x.float() - x_hat.float()).square().flatten(1).mean(1)
