"""Distortions: MS-SSIM is that of pytorch-msssim, and can be trained for where that cannot."""

from __future__ import annotations

import pytest
import torch
from small import SMALL, enlivened, photograph
from torch import Tensor

import plic
from plic.core.errors import ImageError, RecipeError
from plic.core.image import read_picture, to_tensor
from plic.core.refining import Budget, encode_refined
from plic.plugins.distortion.mix import Mix
from plic.plugins.distortion.ms_ssim import MsSsim
from plic.plugins.distortion.mse import Mse
from plic.plugins.distortion.similarity import SMALLEST_SIDE, ms_ssim

SIDE = SMALLEST_SIDE


def pictures(width: int = SIDE, height: int = SIDE, count: int = 2) -> Tensor:
    return torch.cat([to_tensor(read_picture(photograph(width, height, seed))) for seed in range(count)])


def noisy(x: Tensor, amount: float) -> Tensor:
    return x + amount * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))


def gradient(x: Tensor, x_hat: Tensor) -> Tensor:
    leaf = x_hat.clone().requires_grad_()
    MsSsim()(x, leaf).sum().backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    return leaf.grad


@pytest.mark.parametrize(("width", "height"), [(161, 161), (162, 175), (193, 164)])
@pytest.mark.parametrize("amount", [0.01, 0.3])
def test_ms_ssim_is_that_of_pytorch_msssim(width: int, height: int, amount: float) -> None:
    reference = pytest.importorskip("pytorch_msssim").ms_ssim
    x = pictures(width, height)
    expected = reference(x, noisy(x, amount), data_range=1.0, size_average=False)
    assert torch.allclose(ms_ssim(x, noisy(x, amount)), expected, atol=1e-6)


def test_gradient_is_that_of_pytorch_msssim() -> None:
    reference = pytest.importorskip("pytorch_msssim").ms_ssim
    x = pictures()
    leaf = noisy(x, 0.1).requires_grad_()
    (1 - reference(x, leaf, data_range=1.0, size_average=False)).sum().backward()
    assert leaf.grad is not None
    assert torch.allclose(gradient(x, noisy(x, 0.1)), leaf.grad, rtol=1e-3, atol=1e-8)


def test_gradients_lead_out_of_negative_contrast() -> None:
    x = pictures()
    negative = 1 - x  # every scale's contrast term is negative
    slope = gradient(x, negative)
    assert torch.isfinite(slope).all()
    assert (slope.flatten(1).norm(dim=1) > 0).all()
    # a step down leaves less of the inverted picture
    assert float((slope * (x - negative)).sum()) < 0


@pytest.mark.parametrize("constant", [0.0, 0.5, 1.0, -3.0, 1000.0])
def test_gradients_of_constant_pictures_are_finite(constant: float) -> None:
    x, flat = pictures(count=1), torch.full((1, 3, SIDE, SIDE), constant)
    for target, x_hat in ((x, flat), (flat, flat), (flat, x)):
        assert torch.isfinite(MsSsim()(target, x_hat)).all()
        assert torch.isfinite(gradient(target, x_hat)).all()


def test_identical_pictures_do_not_pull() -> None:
    x = pictures()
    assert float(MsSsim()(x, x).max()) < 1e-6
    assert float(gradient(x, x).abs().max()) < 1e-6


def test_it_is_computed_in_float32_under_autocast() -> None:
    x = pictures()
    alone = MsSsim()(x, noisy(x, 0.01))
    with torch.autocast("cpu", torch.bfloat16):
        within = MsSsim()(x, noisy(x, 0.01))
    assert within.dtype == torch.float32
    assert torch.equal(alone, within)


def test_mix_is_the_weighted_sum() -> None:
    x = pictures()
    y = noisy(x, 0.1)
    assert torch.allclose(Mix(mse=0.25, ms_ssim=900.0)(x, y), 0.25 * Mse()(x, y) + 900 * MsSsim()(x, y))
    assert torch.equal(Mix(mse=1.0, ms_ssim=0.0)(x, y), Mse()(x, y))


def test_parts_state_the_smallest_side() -> None:
    assert (Mse().smallest_side, MsSsim().smallest_side, Mix().smallest_side) == (1, 161, 161)
    assert Mix(ms_ssim=0.0).smallest_side == 1
    small = torch.rand(1, 3, SIDE, SIDE - 1)
    with pytest.raises(ImageError, match=r"got: +160x161 pixels\n.*161[^$]*training\.crop"):
        MsSsim()(small, small)


def test_a_mix_of_nothing_is_refused() -> None:
    with pytest.raises(RecipeError, match="mix' of nothing"):
        plic.load_recipe("balle2018", {"distortion": {"use": "mix", "mse": 0.0, "ms_ssim": 0.0}})


def test_refining_takes_the_same_distortion_and_refuses_small_pictures() -> None:
    torch.manual_seed(1)
    changed = {**SMALL["balle2018"], "distortion.use": "ms-ssim", "training.lambdas": [16.64]}
    codec = enlivened(plic.build("balle2018", changed)).eval().freeze()
    result = encode_refined(codec, photograph(SIDE + 3, SIDE), "lof", budget=Budget(iterations=3))
    assert 0 < result.before.distortion <= 1
    assert result.after.total <= result.before.total
    with pytest.raises(ImageError, match="too small for distortion 'ms-ssim'"):
        encode_refined(codec, photograph(SIDE - 1, SIDE), "lof", budget=Budget(iterations=3))
