"""Integer distributions and the committed tables they are made from."""

from .distribution import CdfTable, IntegerDistribution, Support
from .escape import best_support, escape, restore
from .families import FamilyFile, write_families
from .freeze import combine_weights, locations, scale_levels, weights_from_logits
from .mixture import MixtureDistribution
from .rows import TableDistribution
from .tables import (
    BUILT_IN,
    GAUSSIAN,
    GRID,
    GRID_BITS,
    LAPLACIAN,
    LOGISTIC,
    SCALE_LEVELS,
    SCALE_RECIPROCALS,
    SCALE_THRESHOLDS,
    Family,
)

__all__ = [
    "BUILT_IN",
    "GAUSSIAN",
    "GRID",
    "GRID_BITS",
    "LAPLACIAN",
    "LOGISTIC",
    "SCALE_LEVELS",
    "SCALE_RECIPROCALS",
    "SCALE_THRESHOLDS",
    "CdfTable",
    "Family",
    "FamilyFile",
    "IntegerDistribution",
    "MixtureDistribution",
    "Support",
    "TableDistribution",
    "best_support",
    "combine_weights",
    "escape",
    "locations",
    "restore",
    "scale_levels",
    "weights_from_logits",
    "write_families",
]
