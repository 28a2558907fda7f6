"""Layers that `plic.core.exact` knows beyond those of torch, and what heads are made of."""

from .attention import SoftmaxAttention
from .bounds import lower_bound
from .branches import computes_with_bfloat16, fast_branches, with_branch
from .families import Families, families_of
from .masked import (
    Indices,
    MaskedConv2d,
    MaskedConv3d,
    causal_mask,
    checkerboard_mask,
    live_offsets,
    live_rows,
    live_volumes,
    live_windows,
    with_margin,
)
from .simple import Product, pointwise

__all__ = [
    "Families",
    "Indices",
    "MaskedConv2d",
    "MaskedConv3d",
    "Product",
    "SoftmaxAttention",
    "causal_mask",
    "checkerboard_mask",
    "computes_with_bfloat16",
    "families_of",
    "fast_branches",
    "live_offsets",
    "live_rows",
    "live_volumes",
    "live_windows",
    "lower_bound",
    "pointwise",
    "with_branch",
    "with_margin",
]
