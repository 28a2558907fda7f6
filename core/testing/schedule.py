"""Contract of schedules."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np
from hypothesis import strategies as st

from ..slots import LatentShape, Schedule, Step
from .broken import fail, require
from .contract import PartContract, contract, for_any


def _channels(self: ScheduleContract) -> st.SearchStrategy[int]:
    return st.integers(1, 9) if self.channels is None else st.just(self.channels)


def _sides(self: ScheduleContract) -> st.SearchStrategy[int]:
    return st.integers(1, self.largest_side)


def _reach(self: ScheduleContract) -> st.SearchStrategy[int | None]:
    numbers = st.integers(0, 3)
    return numbers if self.make().needs_reach else st.none() | numbers


for_any_latent = for_any(channels=_channels, height=_sides, width=_sides, reach=_reach)


class ScheduleContract(PartContract[Schedule]):
    """What every schedule promises; see `plic.core.slots.Schedule`.

    Attributes:
        channels: latent channels, for a schedule whose settings fit one number only; None for any number.
        largest_side: greatest height and width of a latent that is tried.
    """

    plic_slot = "schedule"
    channels: ClassVar[int | None] = None
    largest_side: ClassVar[int] = 21

    def _steps(self, channels: int, height: int, width: int, reach: int | None) -> Sequence[Step]:
        return self.make().steps(LatentShape(channels, height, width), reach)

    @contract
    def test_order_is_named(self) -> None:
        """The order has a name, by which contexts say what they are built for."""
        order = self.make().order
        require(isinstance(order, str) and bool(order), "the order has no name", got=repr(order))

    @for_any_latent
    def test_steps_partition_the_elements(self, channels: int, height: int, width: int, reach: int | None) -> None:
        """The steps are disjoint and together hold every element, for any size from 1x1."""
        shape = LatentShape(channels, height, width)
        times = np.zeros(shape.elements, dtype=np.int64)
        for index, step in enumerate(self.make().steps(shape, reach)):
            inside = (step.elements >= 0) & (step.elements < shape.elements)
            require(bool(inside.all()), "a step holds an element that is not there", at=f"step {index}")
            np.add.at(times, step.elements, 1)
        for count, problem in ((times == 0, "elements in no step"), (times > 1, "elements in more than one step")):
            if count.any():
                first = tuple(int(i) for i in np.unravel_index(int(np.argmax(count)), shape.dimensions))
                fail(f"there are {problem}", got=f"{int(count.sum())}, first {first}", expected="each in one step")

    @for_any_latent
    def test_no_step_is_empty(self, channels: int, height: int, width: int, reach: int | None) -> None:
        """Every step holds at least one element."""
        for index, step in enumerate(self._steps(channels, height, width, reach)):
            require(len(step.elements) > 0, "a step is empty", at=f"step {index}")

    @for_any_latent
    def test_steps_describe_their_elements(self, channels: int, height: int, width: int, reach: int | None) -> None:
        """Size, channels and sites of a step are those of its elements; indices are int64."""
        shape = LatentShape(channels, height, width)
        for index, step in enumerate(self.make().steps(shape, reach)):
            at = f"step {index}"
            require(step.shape == shape, "a step is of another latent", got=step.shape, expected=shape, at=at)
            for what, array in (("sites", step.sites), ("elements", step.elements)):
                require(
                    array.dtype == np.int64, f"{what} have the wrong type", got=array.dtype, expected="int64", at=at
                )
            lengths = (step.size, len(step.elements), len(step.element_channels))
            require(len(set(lengths)) == 1, "size, elements and their channels differ in number", got=lengths, at=at)
            site_channels, sites = np.divmod(step.elements, shape.sites)
            problem = "the channels are not those of the elements"
            require(np.array_equal(step.element_channels, site_channels), problem, at=at)
            require(set(sites.tolist()) == set(step.sites.tolist()), "the sites are not those of the elements", at=at)
            first, last = step.channels
            inside = bool(((site_channels >= first) & (site_channels < last)).all())
            require(inside, "elements lie outside the step's channel range", got=step.channels, at=at)
            require(step.kind >= 0, "the kind is negative", got=step.kind, at=at)

    @for_any_latent
    def test_steps_are_the_same_each_time(self, channels: int, height: int, width: int, reach: int | None) -> None:
        """Two schedules with the same settings give the same steps in the same coding order: encoder and decoder."""
        schedule = self.make()
        shape = LatentShape(channels, height, width)
        steps = schedule.steps(shape, reach)
        for again in (schedule.steps(shape, reach), self.make().steps(shape, reach)):
            require(len(again) == len(steps), "the number of steps changes", got=len(again), expected=len(steps))
            for index, (one, other) in enumerate(zip(steps, again, strict=True)):
                same = np.array_equal(one.elements, other.elements)
                require(same, "a step's elements or their order change", at=f"step {index}")
                kinds = [(step.kind, step.conditional) for step in (one, other)]
                require(kinds[0] == kinds[1], "a step's kind changes", got=kinds[1], expected=kinds[0])

    @for_any_latent
    def test_groups_cover_the_channels_in_order(
        self, channels: int, height: int, width: int, reach: int | None
    ) -> None:
        """The groups are ranges that cover the channels in order; each is complete before the next begins."""
        schedule = self.make()
        groups = schedule.groups(channels)
        edges = [0, *(last for _, last in groups)]
        wanted = tuple(pairwise(edges))
        whole = tuple(groups) == wanted and edges[-1] == channels and all(a < b for a, b in wanted)
        require(
            whole, "the groups are no division of the channels", got=groups, expected=f"ranges from 0 to {channels}"
        )
        group_of = np.repeat(np.arange(len(groups)), [last - first for first, last in groups])
        reached = 0
        for index, step in enumerate(schedule.steps(LatentShape(channels, height, width), reach)):
            found = group_of[step.element_channels]
            if not len(found):
                continue  # another contract's affair
            alone = int(found.min()) == int(found.max())
            require(alone, "a step holds elements of several groups", got=np.unique(found), at=f"step {index}")
            problem = "a group begins before the one before it is complete"
            require(int(found[0]) in (reached, reached + 1), problem, got=int(found[0]), at=f"step {index}")
            reached = int(found[0])
