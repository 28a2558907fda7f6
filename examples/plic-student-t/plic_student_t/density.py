"""Distribution functions of the ladder for training: the tables that coding uses, read with gradients."""

from __future__ import annotations

import numpy as np
import torch
from plic.core.probability.tables import CDF_BITS, FAMILY_REACH, NODES_PER_UNIT
from torch import Tensor, nn

from plic_student_t.ladder import RUNGS, SCALES_PER_UNIT, TABLES


class LadderCdf(nn.Module):
    """Standard Student-t distribution functions, differentiable in the argument and in the place on the ladder."""

    tables: Tensor

    def __init__(self) -> None:
        super().__init__()
        integers = np.stack([family.table for family in TABLES.read().values()])
        self.register_buffer("tables", torch.from_numpy(integers / (1 << CDF_BITS)).float(), persistent=False)

    def forward(self, t: Tensor, rung: Tensor) -> Tensor:
        """Distribution function at ``t``.

        Args:
            t: ``(B, K, C, h, w)``, in scales of the density; 0 and 1 are reached at 96 scales.
            rung: ``(C,)``, 0 to 32; between two rungs their functions are mixed.
        """
        last = self.tables.shape[1] - 1
        place = ((t / SCALES_PER_UNIT + FAMILY_REACH) * NODES_PER_UNIT).clamp(0, last)
        node = place.detach().floor().clamp(max=last - 1)
        below = rung.detach().floor().clamp(max=RUNGS - 2)
        index = (below.long() * (last + 1))[:, None, None] + node.long()
        lower, upper = (self._at(index + step * (last + 1), place - node) for step in (0, 1))
        return lower + (rung - below)[:, None, None] * (upper - lower)

    def _at(self, index: Tensor, within: Tensor) -> Tensor:
        """Straight lines from the nodes ``index`` of all tables to the next ones."""
        flat = self.tables.flatten()
        start = flat[index]
        return start + within * (flat[index + 1] - start)
