"""Residual branches in bfloat16: in the encoder only, where the processor has it, and nothing that matters changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small import photograph, small_codec, small_frozen
from torch import nn

import plic
from plic.core.image import read_picture
from plic.core.layers import fast_branches, with_branch

BRANCHES = "plic.core.layers.branches.computes_with_bfloat16"


@pytest.fixture
def branch() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(8, 16, 1), nn.LeakyReLU(inplace=True), nn.Conv2d(16, 8, 1)).requires_grad_(False)


def test_it_is_the_sum_where_nothing_else_was_asked_for(branch: nn.Module) -> None:
    x = torch.randn(1, 8, 5, 6)
    before = x.clone()
    assert torch.equal(with_branch(branch, x), x + branch(x))
    assert torch.equal(x, before)


@pytest.mark.parametrize("able", [False, True])
def test_the_main_path_stays_in_single_precision(
    branch: nn.Module, able: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BRANCHES, lambda device: able)
    x = 1000 + torch.rand(1, 8, 5, 6)  # bfloat16 has steps of 4 here
    last = nn.Conv2d(8, 8, 1).requires_grad_(False)
    for parameter in last.parameters():
        nn.init.zeros_(parameter)
    silent = nn.Sequential(branch, last)
    with fast_branches():
        assert torch.equal(with_branch(silent, x), x)
        small = torch.randn(1, 8, 5, 6)
        fast = with_branch(branch, small)
    assert fast.dtype == torch.float32
    exact = with_branch(branch, small)
    assert torch.equal(fast, exact) == (not able)
    assert torch.allclose(fast, exact, atol=0.02)


def test_gradients_pass(branch: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BRANCHES, lambda device: True)
    x = torch.randn(1, 8, 5, 6, requires_grad=True)
    with fast_branches():
        with_branch(branch, x).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert bool(torch.isfinite(x.grad).all())


def test_encoders_use_it_and_decoders_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[torch.device] = []

    def able(device: torch.device) -> bool:
        asked.append(device)
        return False

    codec, picture = small_frozen("house"), photograph(64, 48)
    monkeypatch.setattr(BRANCHES, able)
    data = codec.encode(picture)
    assert asked
    asked.clear()
    codec.decode(data)
    small_codec("house")(torch.rand(1, 3, 64, 64))
    assert not asked


def test_rate_quality_and_mean_colours_are_those_of_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    codec, picture = plic.load("house"), read_picture(photograph(200, 150))
    found = []
    for able in (False, True):
        monkeypatch.setattr(BRANCHES, lambda device, able=able: able)
        data = codec.encode(picture, quality=4)
        error = codec.decode_picture(data).pixels.astype(float) - picture.pixels
        found.append((len(data), np.square(error).mean(), np.abs(error.mean((0, 1))).max()))
    (size, distortion, _), (fast_size, fast_distortion, shift) = found
    assert fast_size == pytest.approx(size, rel=0.003)
    assert fast_distortion == pytest.approx(distortion, rel=0.01)
    assert shift < 0.1
