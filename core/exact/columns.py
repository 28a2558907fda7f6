"""Products of a matrix with columns, one for each site, in whatever numbers they come."""

from __future__ import annotations

from contextlib import nullcontext

from torch import Tensor
from torch.nn import functional

from ..threads import one_thread

FEW_COLUMNS = 256  # up to here, products with sites as rows took half the time
FEW_PRODUCTS = 1 << 23  # a millisecond of one core: not worth handing to others
ROW_MULTIPLE = 8


def multiply(weight: Tensor, columns: Tensor) -> Tensor:
    """``weight (O, I) @ columns (B, I, n)``; for few columns in the layout that matrix libraries are fast at."""
    batch, inputs, count = columns.shape
    if batch * count > FEW_COLUMNS:
        return weight @ columns
    rows = columns.transpose(1, 2).reshape(-1, inputs)
    rows = functional.pad(rows, (0, 0, 0, -len(rows) % ROW_MULTIPLE))
    with one_thread() if rows.numel() * len(weight) < FEW_PRODUCTS else nullcontext():
        product = functional.linear(rows, weight)
    return product[: batch * count].view(batch, count, -1).transpose(1, 2)
