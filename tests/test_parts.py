"""What every composition of parts must hold, tried on each shipped recipe made small."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from small import RECIPES, photograph, small_codec, small_frozen

from plic.core.coding import LatentModel
from plic.core.image import pad, read_picture, to_tensor
from plic.core.probability import Support
from plic.core.slots import LatentShape
from plic.plugins.head.factorized import Factorized
from plic.plugins.head.gaussian import Gaussian
from plic.plugins.head.gllmm import Gllmm
from plic.plugins.head.laplacian import Laplacian
from plic.plugins.head.logistic import Logistic
from plic.plugins.head.mixtures import GaussianMixture, LaplacianMixture, LogisticMixture

HEADS = [Gaussian, Laplacian, Logistic, GaussianMixture, LaplacianMixture, LogisticMixture, Gllmm]
SHAPES = [(1, 1), (2, 3), (7, 5), (11, 12)]


def model_of(recipe: str) -> tuple[LatentModel, int, int]:
    """Latent model of a frozen small codec, its channels and side features."""
    frozen = small_frozen(recipe)
    side = frozen.networks.side_information
    return frozen.latent_model, frozen.networks.transform.latent_channels, 0 if side is None else side.features


def random_latent(channels: int, features: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    generator = torch.Generator().manual_seed(height * 100 + width)
    values = torch.randint(-6, 7, (2, channels, height, width), generator=generator).double()
    if not features:
        return values, None
    side = torch.randint(-(2**14), 2**14, (2, features, height, width), generator=generator).double() / 2**12
    return values, side


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("size", SHAPES)
def test_stepwise_and_teacher_forced_parameters_agree_bitwise(recipe: str, size: tuple[int, int]) -> None:
    model, channels, features = model_of(recipe)
    values, side = random_latent(channels, features, *size)
    shape = LatentShape(channels, *size)
    everything = model.context.parameters_all(values, side).flatten(2)
    state = model.context.start(torch.zeros_like(values), side)
    for step in model.steps(shape):
        if step.conditional:
            assert torch.equal(model.context.parameters_at(state, step), everything[:, :, step.elements])
        model.context.observe(state, step, values.flatten(1)[:, step.elements])


@pytest.mark.parametrize("recipe", RECIPES)
def test_undecoded_elements_change_nothing(recipe: str) -> None:
    model, channels, features = model_of(recipe)
    shape = LatentShape(channels, 6, 7)
    values, side = random_latent(channels, features, shape.height, shape.width)
    reference = model.context.parameters_all(values, side).flatten(2)
    known = torch.zeros(shape.elements, dtype=torch.bool)
    for step in model.steps(shape):
        perturbed = torch.where(known, values.flatten(1), values.flatten(1) + 5).view_as(values)
        if step.conditional:
            parameters = model.context.parameters_all(perturbed, side).flatten(2)
            assert torch.equal(parameters[:, :, step.elements], reference[:, :, step.elements])
        known[step.elements] = True


@pytest.mark.parametrize("recipe", RECIPES)
def test_gradients_reach_every_parameter(recipe: str) -> None:
    codec = small_codec(recipe).train()
    for parameter in codec.parameters():  # residual branches that start at zero pass no gradient on
        parameter.data += 0.01 * torch.randn_like(parameter)
    x = torch.stack([pad(to_tensor(read_picture(photograph(128, 128, seed))), 64)[0] for seed in range(8)])
    quality = torch.arange(8) % codec.rate.levels
    output = codec(x, quality)
    (codec.distortion(x, output.x_hat).sum() + output.bits_y.sum() + output.bits_z.sum()).backward()
    without = [name for name, p in codec.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 0)]
    assert without == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_estimated_rate_is_near_the_real_one(recipe: str) -> None:
    floor = {"head__likelihood_floor": 1e-9} if recipe == "fu2021" else {}  # as far down as the integer tables go
    codec = small_codec(recipe, **floor).eval()
    picture = photograph(192, 128)
    with torch.no_grad():
        output = codec(to_tensor(read_picture(picture)))
    estimated = float(output.bits_y + output.bits_z)
    coded = codec.freeze().encode_batch([picture], count_bits=True)[0]
    assert coded.bits == pytest.approx(estimated, rel=0.03)


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.__name__)
def test_likelihoods_sum_to_one_and_match_the_integer_distribution(head: type) -> None:
    torch.manual_seed(2)
    part = head(1)
    parameters = torch.round(torch.randn(1, part.parameters_per_element, 1, 1, 1) * 4096) / 4096
    symbols = torch.arange(-60, 61).float()
    mass = part.likelihood(parameters.expand(1, -1, 1, 1, 121), symbols.view(1, 1, 1, 121)).flatten()
    assert float(mass.sum()) == pytest.approx(1, abs=1e-3)
    distribution = part.freeze()(
        parameters.double().flatten(1)[0][:, None].expand(-1, 121).contiguous().numpy(),
        np.zeros(121, dtype=np.int64),
        Support(-60, 60),
    )
    assert np.allclose(2.0 ** -distribution.bits(symbols.numpy().astype(np.int32)), mass.numpy(), atol=3e-3)


def test_factorized_tables_match_the_learned_density() -> None:
    torch.manual_seed(7)
    head = Factorized(3)
    for bias in head.biases:
        bias.data.uniform_(-1, 1)
    frozen = head.freeze()
    symbols = torch.arange(-8, 9)
    values = head.offsets().float()[:, None] + symbols
    mass = head.likelihood(None, values[None, :, None, :])[0, :, 0].detach().numpy()
    for channel in range(3):
        distribution = frozen(np.empty((0, 17)), np.full(17, channel), Support(0, 0))
        assert np.allclose(2.0 ** -distribution.bits(symbols.numpy().astype(np.int32)), mass[channel], atol=1e-4)


def test_quantile_bisection_finds_the_median() -> None:
    head = Factorized(4)
    logits = head.logits(head.offsets()[:, None, None])
    assert float(logits.detach().abs().max()) < 1e-2


def test_gllmm_takes_thirty_parameters_in_the_published_order() -> None:
    layout = Gllmm(1).layout
    assert len(layout) == 30
    assert layout[:4] == ("weight.0", "mean.0", "scale.0", "weight.1")
    assert layout[-3:] == ("family.gaussian", "family.laplacian", "family.logistic")
    assert all(a != b for a, b in pairwise(layout))
