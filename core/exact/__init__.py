"""Exact arithmetic: networks whose outputs are bit-identical on every machine; see `grid` for why and how."""

from .grid import GRID, LIMIT
from .harden import harden, harden_children

__all__ = ["GRID", "LIMIT", "harden", "harden_children"]
