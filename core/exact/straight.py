"""Gradients of operations in exact arithmetic, for what is optimised through a frozen codec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def straight_through(exact: Tensor, smooth: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """The exact result, with the gradient of the smooth formula that it stands for.

    Args:
        exact: what was computed from ``inputs``, without gradients.
        smooth: the formula in floating point; evaluated only if gradients are asked for.
        inputs: of the formula.
    """
    if torch.is_grad_enabled() and any(x.requires_grad for x in inputs):
        result: Tensor = _InPlaceOf.apply(smooth(*inputs), exact)  # type: ignore[no-untyped-call]
        return result
    return exact


class _InPlaceOf(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, smooth: Tensor, exact: Tensor) -> Tensor:
        return exact.view_as(exact)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None
