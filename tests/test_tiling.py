"""Large pictures: transforms piece by piece give what the whole gives."""

from __future__ import annotations

import pytest
import torch
from small import RECIPES, SMALL, small_codec
from torch import nn

from plic.core import tiling
from plic.core.recipe import load_recipe

TRANSFORMS = list({load_recipe(recipe, SMALL[recipe]).transform.id: recipe for recipe in RECIPES}.values())
"""One recipe for each transform."""
NONLOCAL = ("chen2019",)
"""Recipes whose latent depends on the whole picture: what can be done by pieces is done inside the transform."""


@pytest.mark.parametrize("recipe", [recipe for recipe in TRANSFORMS if recipe not in NONLOCAL])
@pytest.mark.parametrize("direction", ["analysis", "synthesis"])
@torch.no_grad()
def test_pieces_give_what_the_whole_gives(recipe: str, direction: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "TILE", 8)
    transform = small_codec(recipe).transform.eval()
    for parameter in transform.parameters():  # residual branches that start at zero would hide their reach
        parameter.add_(0.02 * torch.randn_like(parameter))
    margin = transform.margin
    assert margin is not None
    height, width = 8 + 2 * margin + 5, 2 * margin + 20
    if direction == "analysis":
        x = torch.rand(1, 3, height * 16, width * 16)
        whole, pieces = transform.analysis(x), tiling.analysis(transform, x)
    else:
        x = torch.randn(1, transform.latent_channels, height, width)
        whole, pieces = transform.synthesis(x), tiling.synthesis(transform, x)
    torch.testing.assert_close(pieces, whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("direction", ["analysis", "synthesis"])
def test_nonlocal_transform_takes_pieces_itself(direction: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "TILE", 8)
    transform = small_codec("chen2019").transform.eval()
    assert transform.margin is None
    shape = (3, 13 * 16, 41 * 16) if direction == "analysis" else (transform.latent_channels, 13, 41)
    x = torch.randn(1, *shape)
    calls: list[nn.Module] = []
    getattr(transform, f"{direction}_layers").register_forward_hook(lambda layers, *_: calls.append(layers))
    whole = getattr(transform, direction)(x)  # with gradients: in one piece
    assert len(calls) == 1
    with torch.no_grad():
        pieces = getattr(transform, direction)(x)
        assert len(calls) == 1 + 2 * 6
        torch.testing.assert_close(pieces, whole, rtol=1e-4, atol=1e-4)


def test_three_stages_stay_within_their_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "TILE", 8)
    transform = small_codec("fu2021", transform__stages=3).transform.eval()
    with torch.no_grad():
        y = torch.randn(1, transform.latent_channels, 9, 2 * (transform.margin or 0) + 10)
        torch.testing.assert_close(tiling.synthesis(transform, y), transform.synthesis(y), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("recipe", TRANSFORMS)
def test_nothing_depends_on_more_than_the_margin(recipe: str) -> None:
    transform = small_codec(recipe).transform
    if transform.margin is None:
        pytest.skip("sees the whole picture")
    for parameter in transform.parameters():
        parameter.data.add_(0.02 * torch.randn_like(parameter))
    margin, stride = transform.margin, transform.stride
    width = 2 * margin + 5  # one row of sites: kernels are square
    centre = width // 2
    y = torch.randn(1, transform.latent_channels, 1, width, requires_grad=True)
    pixels = transform.synthesis(y)[..., centre * stride : (centre + 1) * stride]
    x = torch.rand(1, 3, stride, width * stride, requires_grad=True)
    site = transform.analysis(x)[..., centre]
    reaches = []
    for result, source, step in ((pixels, y, 1), (site, x, stride)):
        (gradient,) = torch.autograd.grad(result.sum(), source)
        sites = (gradient.abs().sum((0, 1, 2)) > 0).nonzero() // step
        reaches.append(int((sites - centre).abs().max()))
    assert 0 < max(reaches) <= margin
