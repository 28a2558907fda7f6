"""Residual branches in bfloat16, where that is faster and the result does not have to be the same everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn

_fast: ContextVar[bool] = ContextVar("fast branches", default=False)


def computes_with_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 gains anything there: processors without instructions for it take a hundred times longer."""
    if device.type != "cpu":
        return True
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return supported is not None and bool(supported())


@contextmanager
def fast_branches() -> Iterator[None]:
    """Let `with_branch` compute branches in bfloat16 where the processor is faster at it.

    For encoders: which latents they choose is their affair, what a decoder makes of them is not. The main path stays in
    single precision, so that the error is that of what the branches add.
    """
    token = _fast.set(True)
    try:
        yield
    finally:
        _fast.reset(token)


def with_branch(branch: nn.Module, x: Tensor) -> Tensor:
    """``x + branch(x)``, the branch in bfloat16 inside `fast_branches`.

    Args:
        branch: gives the shape that it is given, in fresh memory.
        x: is not changed.
    """
    if not (_fast.get() and computes_with_bfloat16(x.device)):
        # in place: fresh memory for a sum costs more than the sum
        same: Tensor = branch(x).add_(x)
        return same
    with torch.autocast(x.device.type, torch.bfloat16):
        added: Tensor = branch(x)
    return x + added
