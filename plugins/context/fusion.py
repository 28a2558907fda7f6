"""Joining side features and context features, and splitting the result into parameter planes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...core.errors import IncompatibleParts
from ...core.layers import pointwise
from ...core.slots import ContextWiring


def fusion_layers(
    name: str, wiring: ContextWiring, context: int, inner: tuple[int, ...], slope: float
) -> nn.Sequential:
    """1x1 layers from side features and ``context`` features to all head parameters.

    Args:
        name: id of the context that asks.
        wiring: what the chain delivers to it.
        context: features it computes from decoded elements.
        inner: features between the layers.
        slope: negative slope of the LeakyReLU between them.

    Raises:
        IncompatibleParts: the head takes no parameters.
    """
    outputs = wiring.parameters_per_element * wiring.channels
    if not outputs:
        raise IncompatibleParts(
            f"context {name!r} has nothing to predict",
            got="a head that takes no parameters",
            hint="take context side-only without fusion layers, or another head",
        )
    return pointwise((wiring.side_features + context, *inner, outputs), slope)


def join(side: Tensor | None, context: Tensor) -> Tensor:
    """Side features first, then context features, along dimension 1."""
    return context if side is None else torch.cat((side.to(context.dtype), context), 1)


def as_planes(features: Tensor, channels: int) -> Tensor:
    """``(B, P * C, ...)`` as parameter planes ``(B, P, C, ...)``."""
    return features.reshape(len(features), -1, channels, *features.shape[2:])
