"""Single logistic."""

from __future__ import annotations

from .families import LOGISTIC_DENSITY
from .single import SingleFamily


class Logistic(SingleFamily):
    """Logistic; the scale is s, the standard deviation times sqrt(3) / pi."""

    density = LOGISTIC_DENSITY
