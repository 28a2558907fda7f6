"""Multi-scale progressive order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...core.errors import RecipeError
from ...core.slots import LatentShape, Schedule, Step


class Msp(Schedule):
    """From coarse to fine lattices, in subgroups, with some channels ahead of the rest (Zhang et al. 2022).

    The lattice of scale ``s`` holds the sites whose coordinates are multiples of ``2^s``. The coarsest is coded
    first, with the unconditional head. Then each scale adds the sites that are new on its lattice, one subgroup after
    the other: a subgroup is one position inside a block that repeats over the lattice. Within a subgroup the first
    ``seeds`` channels go one at a time, then all others together. ``kind`` is the scale. With even block sides there
    are ``1 + scales * (3/4 block area) * (seeds + 1)`` steps; sets that are empty on small latents are left out.

    A context of this order may rely on that: when the steps of a scale begin, the next coarser lattice is complete, and
    each step holds some channels at sites of its own scale's lattice.

    Args:
        scales: number of halvings.
        block: rows and columns of the subgroup block, both even.
        seeds: channels that are coded one by one; 0 for none.
    """

    order = "msp"

    def __init__(self, *, scales: int = 3, block: tuple[int, int] = (2, 2), seeds: int = 0) -> None:
        if scales < 1 or min(block) < 2 or block[0] % 2 or block[1] % 2 or seeds < 0:
            raise RecipeError(
                "schedule 'msp' cannot be laid out",
                got=f"scales={scales}, block={block}, seeds={seeds}",
                expected="scales >= 1, even block sides, seeds >= 0",
                hint="correct these settings of the recipe's schedule",
            )
        self.scales = scales
        self.block = block
        self.seeds = seeds

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        return [step for step in self._all_steps(shape) if step.size]

    def _all_steps(self, shape: LatentShape) -> Iterator[Step]:
        rows, columns = np.divmod(np.arange(shape.sites, dtype=np.int64), shape.width)
        coarsest = (rows % 2**self.scales == 0) & (columns % 2**self.scales == 0)
        yield Step(shape, np.flatnonzero(coarsest), (0, shape.channels), kind=self.scales, conditional=False)
        for scale in reversed(range(self.scales)):
            unit = 2**scale
            on_lattice = (rows % unit == 0) & (columns % unit == 0)
            for row, column in self._subgroups():
                place = (rows // unit % self.block[0] == row) & (columns // unit % self.block[1] == column)
                sites = np.flatnonzero(on_lattice & place)
                for channels in self._channel_sets(shape.channels):
                    yield Step(shape, sites, channels, kind=scale)

    def _subgroups(self) -> list[tuple[int, int]]:
        """Positions new on a lattice: diagonal ones first, so that the others have four direct neighbours."""
        places = [(row, column) for row in range(self.block[0]) for column in range(self.block[1])]
        phases = [(1, 1), (0, 1), (1, 0)]
        return [place for phase in phases for place in places if (place[0] % 2, place[1] % 2) == phase]

    def _channel_sets(self, channels: int) -> list[tuple[int, int]]:
        seeds = min(self.seeds, channels)
        return [(seed, seed + 1) for seed in range(seeds)] + ([(seeds, channels)] if seeds < channels else [])
