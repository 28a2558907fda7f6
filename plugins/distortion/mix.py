"""Weighted sum of mean squared error and multi-scale structural similarity."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from ...core.errors import RecipeError
from ...core.slots import Distortion
from .ms_ssim import MsSsim
from .mse import Mse

Weight = Annotated[float, Field(ge=0)]


class Mix(Distortion):
    """``mse * 255^2 * MSE + ms_ssim * (1 - MS-SSIM)``, both on images in [0, 1].

    Lambda is on the scale of the mean squared error where the weights sum to one in these units: CompressAI's lambdas
    for MS-SSIM are 1,220 to 1,330 times those for the squared error at the same quality, so 1,280 of the second term
    weigh about as much as 1 of the first. The defaults are half of each.

    Args:
        mse: weight of the squared error on the scale of 0..255.
        ms_ssim: weight of ``1 - MS-SSIM``. Above 0, crops and pictures need at least 161 pixels on a side.

    Raises:
        RecipeError: both weights are 0.
    """

    def __init__(self, *, mse: Weight = 0.5, ms_ssim: Weight = 640.0) -> None:
        weighted: tuple[tuple[float, Distortion], ...] = ((mse, Mse()), (ms_ssim, MsSsim()))
        self.terms = tuple((weight, term) for weight, term in weighted if weight > 0)
        if not self.terms:
            raise RecipeError(
                "distortion 'mix' of nothing",
                got=f"mse: {mse:g}, ms_ssim: {ms_ssim:g}",
                expected="at least one weight above 0",
            )
        self.smallest_side = max(term.smallest_side for _, term in self.terms)

    def __call__(self, x: Tensor, x_hat: Tensor) -> Tensor:
        first, *others = (weight * term(x, x_hat) for weight, term in self.terms)
        return sum(others, first)
