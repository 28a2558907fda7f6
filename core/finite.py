"""Whether there is nothing but numbers in a tensor."""

from __future__ import annotations

import torch
from torch import Tensor


def all_finite(values: Tensor) -> bool:
    """Whether no value of a floating-point tensor is infinite or not a number.

    One infinite value makes a sum infinite or no number, and a sum takes a thirtieth of the time of looking at each
    value. Only where it is not finite, which large values alone can also do, is each looked at.
    """
    values = values.detach()
    return bool(torch.isfinite(values.sum())) or bool(torch.isfinite(values).all())
