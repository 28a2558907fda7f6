"""Comparisons that several contracts make."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..exact import GRID, LIMIT
from .broken import require

SHOWN = 3
"""Indices that a message names."""


def require_shape(tensor: Tensor, shape: tuple[int, ...], what: str) -> None:
    """``tensor`` has this shape."""
    __tracebackhide__ = True
    require(tuple(tensor.shape) == shape, f"{what} has the wrong shape", got=tuple(tensor.shape), expected=shape)


def require_finite(tensor: Tensor, what: str) -> None:
    """All of ``tensor`` is finite."""
    __tracebackhide__ = True
    finite = torch.isfinite(tensor)
    require(bool(finite.all()), f"{what} is not finite", got=_entries(tensor, ~finite), expected="finite numbers")


def require_same_bits(got: Tensor, expected: Tensor, problem: str, at: str = "") -> None:
    """Both are equal to the last bit."""
    __tracebackhide__ = True
    require(got.shape == expected.shape, problem, got=tuple(got.shape), expected=tuple(expected.shape), at=at)
    differ = got != expected
    if bool(differ.any()):
        require(False, problem, got=_entries(got, differ), expected=_entries(expected, differ), at=at)


def require_close(got: Tensor, expected: Tensor, tolerance: float, problem: str, at: str = "") -> None:
    """Both agree within ``tolerance``, in units of the largest expected magnitude, but at least of one."""
    __tracebackhide__ = True
    require(got.shape == expected.shape, problem, got=tuple(got.shape), expected=tuple(expected.shape), at=at)
    if not got.numel():
        return
    unit = max(1.0, float(expected.detach().abs().max()))
    differ = ~((got.double() - expected.double()).abs() <= tolerance * unit)
    if bool(differ.any()):
        require(False, problem, got=_entries(got, differ), expected=_entries(expected, differ), at=at)


def require_on_grid(tensor: Tensor, what: str) -> None:
    """``tensor`` is float64, on the grid of exact activations and within its limit."""
    __tracebackhide__ = True
    require(tensor.dtype is torch.float64, f"{what} is not computed in double precision", got=tensor.dtype)
    off = (tensor * GRID != torch.round(tensor * GRID)) | ~(tensor.abs() <= LIMIT)
    problem = f"{what} does not lie on the grid of exact arithmetic"
    expected = f"multiples of 1/{GRID:g} of magnitude up to {LIMIT}"
    require(not bool(off.any()), problem, got=_entries(tensor, off), expected=expected)


def require_gradients(module: nn.Module) -> None:
    """A backward pass has left a finite gradient that is not all zero in every parameter."""
    __tracebackhide__ = True
    named = list(module.named_parameters())
    infinite = [n for n, p in named if p.grad is not None and not bool(torch.isfinite(p.grad).all())]
    require(not infinite, "gradients are not finite", got=", ".join(infinite))
    without = [n for n, p in named if p.grad is None or not bool(p.grad.abs().sum() > 0)]
    require(not without, "parameters receive no gradient", got=", ".join(without), expected="none without")


def transplant(source: nn.Module, target: nn.Module) -> None:
    """Put everything that a weights file stores of ``source`` into ``target``."""
    __tracebackhide__ = True
    stored, wanted = source.state_dict(), target.state_dict()
    different = sorted(set(stored) ^ set(wanted))
    require(not different, "two parts with the same settings store different tensors", got=different)
    for name, tensor in stored.items():
        owner, _, leaf = name.rpartition(".")
        module = target.get_submodule(owner)
        if leaf == "_extra_state":
            module.set_extra_state(tensor)
            continue
        current: Any = getattr(module, leaf)
        if isinstance(current, nn.Parameter):
            current.data = tensor.clone()
        else:
            setattr(module, leaf, tensor.clone())


def _entries(tensor: Tensor, chosen: Tensor) -> str:
    """Some of the chosen entries with their indices."""
    indices = chosen.nonzero()
    shown = [f"{tensor[tuple(index)].item()!r} at {tuple(index.tolist())}" for index in indices[:SHOWN]]
    more = f" and {len(indices) - SHOWN} more" if len(indices) > SHOWN else ""
    return f"{'; '.join(shown)}{more}"
