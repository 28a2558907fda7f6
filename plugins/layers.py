"""Operations that several parts share."""

from __future__ import annotations

from ..core.layers import lower_bound

__all__ = ["lower_bound"]
