"""Ablation studies: what each part of a recipe is worth, every variant trained and measured under the same conditions.

    recipe, swaps ── plan ──> Plan: cells, one Task for each cell and seed ── Engine.run ──> result.json in each folder
                                │                                                              │
                                └── estimates: time, from a short measurement                  │
                                                                                               v
                              page, CSV, JSON <── write ── Gathered: means, differences <── gather

Importing this imports torch.
"""

from .design import Design
from .engine import Engine, Listener
from .estimate import Estimate, estimates
from .gather import Figure, Gathered, Outcome, gather
from .local import LocalEngine
from .plan import Facts, Plan, Settings, plan
from .task import Task
from .write import write_study

__all__ = [
    "Design",
    "Engine",
    "Estimate",
    "Facts",
    "Figure",
    "Gathered",
    "Listener",
    "LocalEngine",
    "Outcome",
    "Plan",
    "Settings",
    "Task",
    "estimates",
    "gather",
    "plan",
    "write_study",
]
