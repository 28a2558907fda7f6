"""Exact arithmetic: networks whose outputs are bit-identical on every machine; see `grid` for why and how."""

from .grid import GRID, LIMIT
from .harden import harden, harden_children
from .straight import straight_through

__all__ = ["GRID", "LIMIT", "harden", "harden_children", "straight_through"]
