"""Every shipped recipe, made small enough for fast tests; nothing else about it is changed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image

from plic.core.api import build
from plic.core.codec import Codec
from plic.core.frozen import FrozenCodec

MINNEN: Mapping[str, Any] = {
    "transform.channels": 12,
    "transform.latent_channels": 16,
    "side_information.channels": 8,
    "side_information.widths": [8, 8],
    "side_information.features": 32,
    "context.fusion": [24, 24],
}
SMALL: Mapping[str, Mapping[str, Any]] = {
    "balle2018": {
        "transform.channels": 12,
        "transform.latent_channels": 16,
        "side_information.channels": 8,
        "side_information.features": 16,
    },
    "minnen2018": MINNEN,
    "he2021": MINNEN,
    "fu2021": {
        "transform.channels": 8,
        "side_information.channels": 8,
        "side_information.widths": [8, 8, 12, 12],
        "context.fusion": [16, 16],
    },
    "zhang2022-baseline": {
        "transform.channels": 12,
        "transform.latent_channels": 8,
        "context.filters": 8,
        "context.blocks": 2,
    },
    "house": {
        "transform.channels": 24,
        "transform.widths": [32, 40],
        "transform.blocks": [1, 1],
        "side_information.channels": 8,
        "side_information.features": 24,
        "context.features": 24,
        "context.fusion": [24],
    },
}
RECIPES = tuple(SMALL)


def small_codec(recipe: str, **overrides: Any) -> Codec:
    """A trainable small codec whose random weights give latents with some life; ``overrides`` use __ for dots."""
    torch.manual_seed(1)
    changed = {key.replace("__", "."): value for key, value in overrides.items()}
    codec = build(recipe, {**SMALL[recipe], **changed})
    with torch.no_grad():  # random transforms give tiny latents
        for name, parameter in codec.transform.named_parameters():
            if name.startswith(("analysis_layers.6.weight", "to_latent.weight", "analysis_layers.7.weight")):
                parameter.mul_(40)
    return codec


@cache
def small_frozen(recipe: str, **overrides: Any) -> FrozenCodec:
    """A small codec, frozen."""
    return small_codec(recipe, **overrides).eval().freeze()


def photograph(width: int, height: int, seed: int = 0) -> Image.Image:
    """A smooth random colour picture with edges: enough like a photograph to give all kinds of symbols."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (max(2, height // 12), max(2, width // 12), 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    noise = random.normal(0, 6, picture.shape)
    return Image.fromarray(np.clip(picture + noise, 0, 255).astype(np.uint8))
