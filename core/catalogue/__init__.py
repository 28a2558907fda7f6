"""The catalogue: which weights there are and where, and which plugin is known to provide what.

It is read from several files of one form, see docs/registry.md: the one that comes with plic, those of plugins, the
user's, and one beside a recipe. Later ones win, entry by entry.
"""

from .layers import CATALOGUE, installed_catalogue, is_shipped, project_catalogue, shipped_catalogue
from .model import Catalogue, EarlierWeights, KnownProvider, WeightsEntry
from .read import read_catalogue

__all__ = [
    "CATALOGUE",
    "Catalogue",
    "EarlierWeights",
    "KnownProvider",
    "WeightsEntry",
    "installed_catalogue",
    "is_shipped",
    "project_catalogue",
    "read_catalogue",
    "shipped_catalogue",
]
