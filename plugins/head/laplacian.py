"""Single Laplacian."""

from __future__ import annotations

from .families import LAPLACIAN_DENSITY
from .single import SingleFamily


class Laplacian(SingleFamily):
    """Laplacian; the scale is b, the mean absolute deviation."""

    density = LAPLACIAN_DENSITY
