"""Joining side features and context features, and splitting the result into parameter planes."""

from __future__ import annotations

import torch
from torch import Tensor


def join(side: Tensor | None, context: Tensor) -> Tensor:
    """Side features first, then context features, along dimension 1."""
    return context if side is None else torch.cat((side.to(context.dtype), context), 1)


def as_planes(features: Tensor, channels: int) -> Tensor:
    """``(B, P * C, ...)`` as parameter planes ``(B, P, C, ...)``."""
    return features.reshape(len(features), -1, channels, *features.shape[2:])
