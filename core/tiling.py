"""Transforms of large pictures piece by piece, with the same result and bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from . import joints
from .slots import Transform

TILE = 64  # latent sites; activations of larger pieces fall out of the caches


def analysis(transform: Transform, x: Tensor, tile: int | None = None) -> Tensor:
    """`Transform.analysis` of an image ``(B, 3, H, W)`` of any size, in pieces of ``tile`` latent sites."""
    return by_tiles(partial(joints.analysis, transform), x, transform.margin, transform.stride, 1, tile or TILE)


def synthesis(transform: Transform, y_hat: Tensor, tile: int | None = None) -> Tensor:
    """`Transform.synthesis` of a latent ``(B, C, h, w)`` of any size, in pieces of ``tile`` latent sites."""
    return by_tiles(partial(joints.synthesis, transform), y_hat, transform.margin, 1, transform.stride, tile or TILE)


def by_tiles(
    function: Callable[[Tensor], Tensor], x: Tensor, margin: int | None, inside: int, outside: int, tile: int
) -> Tensor:
    """Apply ``function`` to overlapping windows and keep what is far enough from their cuts.

    Args:
        function: from ``(B, C, h * inside, w * inside)`` to ``(B, C', h * outside, w * outside)``.
        x: its argument.
        margin: sites around a site that its output depends on; None when all do.
        inside: samples of ``x`` per site.
        outside: samples of the result per site.
        tile: side of a piece in sites, without its margins.
    """
    height, width = x.shape[2] // inside, x.shape[3] // inside
    if margin is None or max(height, width) <= tile + 2 * margin:
        return function(x)
    if x.requires_grad and torch.is_grad_enabled():  # memory for one piece: each is computed again on the way back
        function = partial(checkpoint, function, use_reentrant=False)
    result: Tensor | None = None
    for top, bottom in _spans(height, tile):
        for left, right in _spans(width, tile):
            y0, x0 = max(0, top - margin), max(0, left - margin)
            window = x[:, :, y0 * inside : (bottom + margin) * inside, x0 * inside : (right + margin) * inside]
            piece = function(window)[
                :, :, (top - y0) * outside : (bottom - y0) * outside, (left - x0) * outside : (right - x0) * outside
            ]
            if result is None:
                result = piece.new_empty(len(x), piece.shape[1], height * outside, width * outside)
            result[:, :, top * outside : bottom * outside, left * outside : right * outside] = piece
    return x if result is None else result


def _spans(length: int, tile: int) -> Iterator[tuple[int, int]]:
    for first in range(0, length, tile):
        yield first, min(first + tile, length)
