"""Layers that `plic.core.exact` knows beyond those of torch, and what heads are made of."""

from .attention import SoftmaxAttention
from .bounds import lower_bound
from .families import Families, families_of
from .masked import (
    Indices,
    MaskedConv2d,
    MaskedConv3d,
    causal_mask,
    checkerboard_mask,
    live_offsets,
    live_volumes,
    live_windows,
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
    "families_of",
    "live_offsets",
    "live_volumes",
    "live_windows",
    "lower_bound",
    "pointwise",
]
