"""The mixture-tensor context: training on a sample of its steps, and gradients for what is optimised through it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small import small_codec
from torch import Tensor

from plic.core.codec import Codec
from plic.core.slots import LatentShape, TeacherForced
from plic.plugins.context.mixture_cnn import MixtureCnn

ALL = 1000  # more than there are steps


def codec_of(profile: str, **context: Any) -> Codec:
    """A small codec in training mode whose weights are the same whatever its settings."""
    return small_codec(f"zhang2022-{profile}", **{f"context__{key}": value for key, value in context.items()}).train()


def context_of(codec: Codec) -> MixtureCnn:
    assert isinstance(codec.context, MixtureCnn)
    return codec.context


def latent(height: int = 16, width: int = 18) -> Tensor:
    """Smooth enough for neighbours to tell something about one another."""
    noise = torch.randn(2, 8, height // 2, width // 2, generator=torch.Generator().manual_seed(4))
    return torch.nn.functional.interpolate(noise, (height, width), mode="bilinear") * 3


def bits(codec: Codec, values: Tensor, forced: TeacherForced) -> Tensor:
    """Estimated bits of the conditional steps."""
    conditional = torch.ones(values[0].numel(), dtype=torch.bool)
    for step in codec.schedule.steps(LatentShape(*values.shape[1:]), None):
        conditional[torch.from_numpy(step.elements)] = step.conditional
    each = -codec.head.likelihood(forced.parameters, values).log2() * conditional.view(values.shape[1:])
    return (each if forced.weight is None else each * forced.weight).sum()


def rate(codec: Codec, values: Tensor) -> Tensor:
    return bits(codec, values, codec.context.teacher_forced(values, None))


@pytest.mark.parametrize("profile", ["baseline", "normal", "extra"])
def test_all_steps_with_all_refreshes_are_the_unrolled_ones(profile: str) -> None:
    values, unrolled = latent(), codec_of(profile, sampled_states=None)
    sampled = codec_of(profile, sampled_states=ALL, refreshes=ALL)
    a = torch.autograd.grad(rate(unrolled, values.requires_grad_()), [values, context_of(unrolled).entry.weight])
    b = torch.autograd.grad(rate(sampled, values), [values, context_of(sampled).entry.weight])
    assert float(rate(sampled, values).detach()) == pytest.approx(float(rate(unrolled, values).detach()), rel=1e-5)
    for one, other in zip(a, b, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("refreshes", "tolerance"), [(1, 1e-2), (4, 1e-4)])
@pytest.mark.parametrize("profile", ["normal", "extra"])
@torch.no_grad()
def test_few_refreshes_come_near_the_unrolled_rate(profile: str, refreshes: int, tolerance: float) -> None:
    """What is left is the bias of the sampled mode: predictions that do not go back all the way."""
    values = latent()
    wanted = float(rate(codec_of(profile, sampled_states=None), values))
    assert float(rate(codec_of(profile, sampled_states=ALL, refreshes=refreshes), values)) == pytest.approx(
        wanted, rel=tolerance
    )


@pytest.mark.parametrize("states", [2, 3, 7])
@torch.no_grad()
def test_few_steps_estimate_all_of_them_without_bias(states: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values, estimates, weights = latent(), [], []
    wanted = float(rate(codec_of("normal", sampled_states=ALL), values))
    sampled = codec_of("normal", sampled_states=states)
    for place in range(9):  # of 9 steps a scale: the starts between which the sample changes, each as likely
        monkeypatch.setattr(torch, "rand", lambda size, place=place: torch.tensor((place + 0.5) / 9))
        forced = sampled.context.teacher_forced(values, None)
        assert forced.weight is not None
        weights.append(forced.weight)
        estimates.append(bits(sampled, values, forced))
    assert float(torch.stack(estimates).mean()) == pytest.approx(wanted, rel=1e-5)
    torch.testing.assert_close(torch.stack(weights).mean(0), torch.ones(values.shape[1:]))
    coarsest = next(iter(sampled.schedule.steps(LatentShape(*values.shape[1:]), None)))
    assert (torch.stack(weights).flatten(1)[:, coarsest.elements] == 1).all()


def test_a_sample_costs_a_fraction() -> None:
    values, sites = latent(16, 16), []
    for settings in ({"sampled_states": None}, {"sampled_states": 5}):
        seen: list[int] = []
        codec = codec_of("extra", **settings)
        context_of(codec).entry.register_forward_hook(lambda layer, x, y, seen=seen: seen.append(y[:, 0].numel()))
        codec.context.teacher_forced(values, None)
        sites.append(sum(seen))
    assert sites[1] < 0.4 * sites[0]


def test_evaluation_unrolls_whatever_training_does() -> None:
    values = latent()
    sampled, unrolled = codec_of("normal", sampled_states=1).eval(), codec_of("normal", sampled_states=None).eval()
    forced = sampled.context.teacher_forced(values, None)
    assert forced.weight is None
    assert torch.equal(forced.parameters, unrolled.context.parameters_all(values, None))


def test_gradients_in_evaluation_are_true_derivatives() -> None:
    context = context_of(codec_of("normal", sampled_states=2).eval().double())
    values = latent(4, 5)[:1].double().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: context.parameters_all(v, None), values, fast_mode=True)


def test_training_cuts_gradients_at_predictions() -> None:
    context = context_of(codec_of("baseline").double())
    values = latent(4, 4)[:1].double().requires_grad_()
    parameters = context.parameters_all(values, None).flatten(2)
    last = context.schedule.steps(LatentShape(8, 4, 4), None)[-1].elements
    (gradient,) = torch.autograd.grad(parameters[:, :, last].sum(), values)
    assert (gradient.flatten()[last] == 0).all()
    assert (gradient != 0).any()


def test_asking_twice_changes_nothing() -> None:
    context, values = context_of(codec_of("normal").eval()), latent(5, 7)
    once, twice = (context.start(torch.zeros_like(values), None) for _ in range(2))
    with torch.no_grad():
        for step in context.schedule.steps(LatentShape(8, 5, 7), None):
            if step.conditional:
                context.parameters_at(twice, step)
                assert torch.equal(context.parameters_at(twice, step), context.parameters_at(once, step))
            for state in (once, twice):
                context.observe(state, step, values.flatten(1)[:, step.elements])
