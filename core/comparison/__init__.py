"""Several codecs side by side: curves, BD figures, costs and pictures, as a page, a plot and a table.

    results files ── read_measured ──> Measured ──┐
                                                  ├── compare ──> Comparison ──┬── page.write   .html
    shipped anchors ── Anchor ────────────────────┘                            ├── plot.draw    .png
                                                                               └── table.rows   .csv

`Comparison` is computed once; what is written from it only formats. Importing this imports torch.
"""

from .compute import compare
from .measured import Measured, read_measured
from .model import Comparison, Costs, Difference, Metric, NoDifference, Point, Row

__all__ = [
    "Comparison",
    "Costs",
    "Difference",
    "Measured",
    "Metric",
    "NoDifference",
    "Point",
    "Row",
    "compare",
    "read_measured",
]
