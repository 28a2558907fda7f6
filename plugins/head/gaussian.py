"""Single Gaussian."""

from __future__ import annotations

from .families import GAUSSIAN_DENSITY
from .single import SingleFamily


class Gaussian(SingleFamily):
    """Gaussian; the scale is the standard deviation. Without ``mean`` it is the zero-mean scale mixture."""

    density = GAUSSIAN_DENSITY
