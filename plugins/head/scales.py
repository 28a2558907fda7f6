"""From a network's raw output to the scale of a density, in training and on the exact grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...core.probability import SCALE_LEVELS, scale_levels
from ..layers import lower_bound

LEVELS_PER_OCTAVE, LOWEST_OCTAVE = 32, -5  # of the scale table: level i stands for 2^(i / 32 - 5)

LAST_INDEX = 63
LEVEL_OF_INDEX_0 = (
    60920602 / 2**20
)  # 32 (log2(0.11) + 5); in binary fractions, so that products with the grid are exact
LEVELS_PER_INDEX = 5956937 / 2**20  # 32 log2(256 / 0.11) / 63

ScaleKind = Literal["linear", "absolute", "log2", "index"]


@dataclass(frozen=True)
class ScaleParameter:
    """How a raw output stands for a scale.

    ``linear``: the scale itself, bounded below. ``absolute``: its absolute value, bounded below. ``log2``: the
    scale's binary logarithm; levels of the scale table are then a rounding away. ``index``: a place among 64 scales
    from 0.11 to 256, of which each is the same multiple of the one before; between them is interpolated.

    Attributes:
        kind: see above.
        floor: least scale, in units of the quantiser's step; at least 2^-5, the least scale of the coding tables.
    """

    kind: ScaleKind
    floor: float

    def __call__(self, raw: Tensor) -> Tensor:
        """Scale for training, same shape, at least the floor."""
        if self.kind == "log2":
            return lower_bound(torch.exp2(raw.clamp(max=SCALE_LEVELS / LEVELS_PER_OCTAVE + LOWEST_OCTAVE)), self.floor)
        if self.kind == "index":
            level = LEVEL_OF_INDEX_0 + LEVELS_PER_INDEX * lower_bound(raw, 0.0).clamp(max=LAST_INDEX)
            return lower_bound(torch.exp2(level / LEVELS_PER_OCTAVE + LOWEST_OCTAVE), self.floor)
        return lower_bound(raw.abs() if self.kind == "absolute" else raw, self.floor)

    def levels(self, raw: npt.NDArray[np.float64]) -> npt.NDArray[np.int16]:
        """Levels of the scale table for raw outputs on the exact grid."""
        if self.kind == "log2":
            return self._nearest((raw - LOWEST_OCTAVE) * LEVELS_PER_OCTAVE)  # exact: a power of two times the grid
        if self.kind == "index":
            return self._nearest(LEVEL_OF_INDEX_0 + LEVELS_PER_INDEX * np.clip(raw, 0, LAST_INDEX))  # 41 bits
        return scale_levels(np.abs(raw) if self.kind == "absolute" else raw, self.floor)

    def _nearest(self, level: npt.NDArray[np.float64]) -> npt.NDArray[np.int16]:
        lowest = int(scale_levels(np.array([self.floor]), 0.0)[0])
        return np.clip(np.floor(level + 0.5), lowest, SCALE_LEVELS - 1).astype(np.int16)
