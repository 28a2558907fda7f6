"""Layers that `plic.core.exact` knows beyond those of torch."""

from .attention import SoftmaxAttention
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
    "Indices",
    "MaskedConv2d",
    "MaskedConv3d",
    "Product",
    "SoftmaxAttention",
    "causal_mask",
    "checkerboard_mask",
    "live_offsets",
    "live_volumes",
    "live_windows",
    "pointwise",
]
