"""What schedules share that code one group of channels after another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import accumulate, pairwise

from ...core.errors import RecipeError
from ...core.slots import LatentShape, Schedule, Step
from ...core.slots.schedule import Indices


class GroupedSchedule(Schedule):
    """Groups of consecutive channels, each complete before the next begins.

    Args:
        groups: how many groups of equal size, or a list of the size of each, first to last.
    """

    def __init__(self, *, groups: int | tuple[int, ...] = 4) -> None:
        sizes = (groups,) if isinstance(groups, int) else tuple(groups)
        if not sizes or min(sizes) < 1:
            raise RecipeError(
                "a schedule cannot be cut into groups of channels",
                got=f"groups={groups}",
                expected="a number of groups, or their sizes, all of them 1 or more",
                hint="correct the setting schedule.groups of the recipe",
            )
        self.division = groups if isinstance(groups, int) else sizes

    def groups(self, channels: int) -> tuple[tuple[int, int], ...]:
        if isinstance(self.division, int):
            sizes = (channels // self.division,) * self.division
            got = f"{self.division} groups of equal size"
            expected = f"a number that divides the {channels} latent channels"
        else:
            sizes = self.division
            got = f"{' + '.join(map(str, sizes))} = {sum(sizes)} channels"
            expected = f"sizes that add up to the {channels} latent channels"
        if sum(sizes) != channels:
            raise RecipeError(
                f"the groups of channels are not all {channels} channels",
                got=got,
                expected=expected,
                hint="set schedule.groups to a number of equal groups or to a list of sizes that fits the transform",
            )
        return tuple(pairwise(accumulate(sizes, initial=0)))

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        passes = [(sites, kind) for sites, kind in self.passes(shape, reach) if len(sites)]
        return [
            Step(shape, sites, channels, kind=kind)
            for channels in self.groups(shape.channels)
            for sites, kind in passes
        ]

    @abstractmethod
    def passes(self, shape: LatentShape, reach: int | None) -> Sequence[tuple[Indices, int]]:
        """Sites and kinds of the steps that code one group; sets without sites are left out."""
