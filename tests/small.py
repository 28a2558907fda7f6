"""Every shipped recipe, made small enough for fast tests; nothing else about it is changed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from plic.core.api import build
from plic.core.codec import Codec
from plic.core.frozen import FrozenCodec
from plic.core.image import read_picture, to_tensor
from plic.core.slots import Transform

MINNEN: Mapping[str, Any] = {
    "transform.channels": 12,
    "transform.latent_channels": 16,
    "side_information.channels": 8,
    "side_information.widths": [8, 8],
    "side_information.features": 32,
    "context.fusion": [24, 24],
}
RESIDUAL: Mapping[str, Any] = {
    "transform.channels": 8,
    "side_information.channels": 8,
    "context.fusion": [16, 16],
}
MSP: Mapping[str, Any] = {"transform.channels": 8, "context.filters": 8, "context.blocks": 2}
HOUSE: Mapping[str, Any] = {
    "transform.channels": 24,
    "transform.widths": [32, 40],
    "transform.blocks": [1, 1],
    "side_information.channels": 8,
    "side_information.features": 24,
    "context.features": 24,
    "context.fusion": [24],
}
SMALL: Mapping[str, Mapping[str, Any]] = {
    "balle2017": {"transform.channels": 12, "transform.latent_channels": 16},
    "balle2017-tfc": {"transform.channels": 12},
    "balle2018": {
        "transform.channels": 12,
        "transform.latent_channels": 16,
        "side_information.channels": 8,
        "side_information.features": 16,
    },
    "minnen2018-mean": {key: value for key, value in MINNEN.items() if not key.startswith("context.")},
    "minnen2018": MINNEN,
    "cheng2020-anchor": RESIDUAL,
    "cheng2020-attn": RESIDUAL,
    "cheng2020-gmm": RESIDUAL,
    "he2021": RESIDUAL,
    "he2021-minnen2018": MINNEN,
    "chen2019": {
        "transform.channels": 8,
        "side_information.channels": 8,
        "context.kernel": 5,
        "context.features": 6,
        "context.fusion": [8, 8],
    },
    "fu2021": {
        "transform.channels": 8,
        "side_information.channels": 8,
        "side_information.widths": [8, 8, 12, 12],
        "context.fusion": [16, 16],
    },
    "guo2021": RESIDUAL,
    "ma2021": {"transform.channels": 8, "side_information.channels": 8, "context.cross": [12]},
    "elic2022": {
        "transform.channels": 8,
        "transform.latent_channels": 12,
        "transform.blocks": 1,
        "side_information.channels": 8,
        "side_information.widths": [8, 8],
        "side_information.features": 16,
        "context.cross": [12, 10],
        "schedule.groups": [2, 2, 3, 5],
    },
    "minnen2020": {
        "transform.channels": 12,
        "transform.latent_channels": 12,
        "side_information.channels": 8,
        "side_information.analysis_widths": [10, 8],
        "side_information.synthesis_widths": [8, 8],
        "side_information.features": 10,
        "context.support": 2,
        "context.widths": [12, 10],
        "schedule.groups": 4,
    },
    "zhang2022-baseline": MSP,
    "zhang2022-normal": MSP,
    "zhang2022-extra": {**MSP, "context.sampled_states": 2},
    "house": HOUSE,
    "house-groups": {**HOUSE, "context.fusion": [24], "schedule.groups": [4, 8, 12]},
    "house-one-step": {key: value for key, value in HOUSE.items() if key != "context.features"},
}
RECIPES = tuple(SMALL)
LIFE = 3.0
"""Standard deviation of latents, in quantiser steps."""


def small_codec(recipe: str, **overrides: Any) -> Codec:
    """A trainable small codec whose random weights give latents with some life; ``overrides`` use __ for dots."""
    torch.manual_seed(1)
    changed = {key.replace("__", "."): value for key, value in overrides.items()}
    return enlivened(build(recipe, {**SMALL[recipe], **changed}))


@torch.no_grad()
def enlivened(codec: Codec) -> Codec:
    """The codec with latents of some `LIFE`: those of random transforms are next to nothing."""
    layer, output = end_of_trunk(codec.transform)
    layer.weight.mul_(LIFE / output.std())
    return codec


@torch.no_grad()
def end_of_trunk(transform: Transform) -> tuple[nn.Conv2d, Tensor]:
    """The convolution whose weights scale the latent, and what it gives for some picture.

    It is the last convolution of the analysis that goes down, or else the last that gives as many channels as the
    latent has. What comes after it are residual branches, which follow.
    """
    seen: list[tuple[nn.Conv2d, Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda layer, _, output: seen.append((layer, output)))
        for module in transform.modules()
        if isinstance(module, nn.Conv2d)
    ]
    transform.analysis(to_tensor(read_picture(photograph(8 * transform.stride, 8 * transform.stride))))
    for hook in hooks:
        hook.remove()
    down = [(layer, output) for layer, output in seen if layer.stride != (1, 1)]
    return (down or [pair for pair in seen if pair[0].out_channels == transform.latent_channels])[-1]


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
