"""What a step is trained on: drawn from the seed and the number of the step alone, so that any run can be continued."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from .photographs import Numbers, Photographs


@dataclass(frozen=True)
class Draw:
    """A batch of crops: where they are cut and at which quality each is trained.

    Attributes:
        places: int64 ``(3, B)``: start, row and column of `Photographs.gather`.
        quality: int64 ``(B,)``.
        window: side of the squares that are cut out, in pixels.
        crop: side that they are reduced to.
    """

    places: Numbers
    quality: Numbers
    window: int
    crop: int

    @classmethod
    def at(
        cls, seed: int, step: int, photographs: Photographs, batch: int, crop: int, levels: int, smallest_scale: float
    ) -> Draw:
        """The joint batch of a step. Every photograph that is large enough is equally likely.

        Args:
            seed: of the run.
            step: number of the step.
            photographs: to cut from.
            batch: crops.
            crop: side of the crops, in pixels.
            levels: qualities to draw from.
            smallest_scale: see `plic.core.recipe.TrainingSettings`.
        """
        random = np.random.default_rng((abs(seed), seed < 0, abs(step), step < 0))
        scale = math.exp(random.uniform(math.log(smallest_scale), 0.0))
        window = min(round(crop / scale), int(photographs.shorter_sides.max()))
        fitting = np.flatnonzero(photographs.shorter_sides >= window)
        chosen = random.choice(fitting, batch)
        widths = photographs.widths[chosen]
        top = random.integers(photographs.heights[chosen] - window + 1)
        left = random.integers(widths - window + 1)
        up, back, turned = random.integers(2, size=(3, batch), dtype=bool)
        last = window - 1
        start = photographs.starts[chosen] + (top + last * up) * widths + left + last * back
        down, across = np.where(up, -widths, widths), np.where(back, -1, 1)
        places = np.stack((start, np.where(turned, across, down), np.where(turned, down, across)))
        return cls(places, random.integers(levels, size=batch), window, crop)

    def part(self, rank: int, size: int) -> Draw:
        """The share of one of several processes."""
        count = len(self.quality) // size
        mine = slice(rank * count, (rank + 1) * count)
        return Draw(self.places[:, mine], self.quality[mine], self.window, self.crop)

    def cut(self, photographs: Photographs) -> Tensor:
        """The crops, float32 ``(B, 3, crop, crop)`` in [0, 1]."""
        start, row, column = _to(self.places, photographs.pixels.device)
        x = photographs.gather(start, row, column, self.window)
        if self.window == self.crop:
            return x
        size = (self.crop, self.crop)
        return functional.interpolate(x, size, mode="bicubic", antialias=True).clamp(0, 1)

    def qualities(self, device: torch.device) -> Tensor:
        """`quality` as a tensor on a device."""
        return _to(self.quality, device)


def _to(values: npt.NDArray[np.int64], device: torch.device) -> Tensor:
    """Onto the device, without waiting for it."""
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
