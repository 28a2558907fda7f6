"""Exact arithmetic: networks whose outputs are bit-identical on every machine; see `grid` for why and how."""

from .grid import GRID, LIMIT, ExactSums
from .harden import harden, harden_children
from .straight import straight_through
from .weights import scaled_back

__all__ = ["GRID", "LIMIT", "ExactSums", "harden", "harden_children", "scaled_back", "straight_through"]
