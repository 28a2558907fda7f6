"""Large pictures: transforms piece by piece give what the whole gives, for every shipped recipe."""

from __future__ import annotations

import pytest
import torch
from small import RECIPES, small_codec

from plic.core import tiling


@pytest.mark.parametrize("recipe", RECIPES)
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


def test_three_stages_stay_within_their_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "TILE", 8)
    transform = small_codec("fu2021", transform__stages=3).transform.eval()
    with torch.no_grad():
        y = torch.randn(1, transform.latent_channels, 9, 2 * (transform.margin or 0) + 10)
        torch.testing.assert_close(tiling.synthesis(transform, y), transform.synthesis(y), rtol=1e-4, atol=1e-4)
