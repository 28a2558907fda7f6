"""What checks are tried on: latents, pictures, and random weights with some life in them."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from ..exact import GRID

seeds = st.integers(0, 2**16)
"""Strategy for the seed of whatever a check draws in bulk."""


def sides(largest: int) -> st.SearchStrategy[int]:
    """Strategy for a height or a width, from 1."""
    return st.integers(1, largest)


def latent(seed: int, *shape: int, spread: int = 6) -> Tensor:
    """Whole numbers in float64, of magnitude up to ``spread``."""
    return torch.randint(-spread, spread + 1, shape, generator=_generator(seed)).double()


def on_grid(seed: int, *shape: int, spread: float = 4.0) -> Tensor:
    """Numbers on the grid of exact activations, uniform up to ``spread``."""
    limit = int(spread * GRID)
    return torch.randint(-limit, limit + 1, shape, generator=_generator(seed)).double() / GRID


def noise(seed: int, *shape: int) -> Tensor:
    """Uniform in [-1/2, 1/2), float32."""
    return torch.rand(shape, generator=_generator(seed)) - 0.5


def pictures(seed: int, batch: int, height: int, width: int) -> Tensor:
    """Smooth colour pictures with some noise, ``(B, 3, H, W)`` in [0, 1]."""
    generator = _generator(seed)
    coarse = torch.rand(batch, 3, max(2, height // 12), max(2, width // 12), generator=generator)
    smooth = nn.functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    return (smooth + 0.02 * torch.randn(smooth.shape, generator=generator)).clamp(0, 1)


@torch.no_grad()
def enlivened(module: Any, amount: float = 0.01) -> Any:
    """The module with a little noise on its weights: branches that start at zero would hide what they do."""
    generator = _generator(1)
    for parameter in module.parameters():
        parameter.add_(amount * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))
    return module


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
