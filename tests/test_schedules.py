"""Schedules: as many steps as promised, in the order that is meant; test_conformance.py checks that they partition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plic.core.errors import RecipeError
from plic.core.slots import LatentShape, Schedule
from plic.plugins.schedule.checkerboard import Checkerboard
from plic.plugins.schedule.grouped import GroupedSchedule
from plic.plugins.schedule.groups import Groups
from plic.plugins.schedule.groups_checkerboard import GroupsCheckerboard
from plic.plugins.schedule.groups_raster import GroupsRaster
from plic.plugins.schedule.msp import Msp
from plic.plugins.schedule.one_step import OneStep
from plic.plugins.schedule.quarters import Quarters
from plic.plugins.schedule.raster import Raster
from plic.plugins.schedule.two_groups_raster import TwoGroupsRaster
from plic.plugins.schedule.volume import Volume

GROUPED: list[type[GroupedSchedule]] = [Groups, GroupsRaster, GroupsCheckerboard]
shapes = st.builds(LatentShape, st.integers(1, 9), st.integers(1, 21), st.integers(1, 21))


@pytest.mark.parametrize("kind", GROUPED)
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4), height=st.integers(1, 9), width=st.integers(1, 9))
def test_groups_are_coded_one_after_another(
    kind: type[GroupedSchedule], sizes: list[int], height: int, width: int
) -> None:
    shape = LatentShape(sum(sizes), height, width)
    schedule = kind(groups=tuple(sizes))
    steps = schedule.steps(shape, reach=2)
    assert all(step.size for step in steps)
    elements = np.concatenate([step.elements for step in steps])
    assert np.array_equal(np.sort(elements), np.arange(shape.elements))
    groups = schedule.groups(shape.channels)
    assert [last - first for first, last in groups] == sizes
    channels = [step.channels for step in steps]
    assert channels == sorted(channels)
    assert sorted(set(channels)) == list(groups)


@pytest.mark.parametrize("groups", [1, 4, (2, 3, 7)])
def test_inside_a_group_the_order_is_that_of_all_channels_together(groups: int | tuple[int, ...]) -> None:
    shape = LatentShape(12, 7, 9)
    together: list[tuple[type[GroupedSchedule], Schedule]] = [
        (Groups, OneStep()),
        (GroupsRaster, Raster()),
        (GroupsCheckerboard, Checkerboard()),
    ]
    for kind, whole in together:
        schedule = kind(groups=groups)
        expected = [(step.sites.tolist(), step.kind) for step in whole.steps(shape, 2)]
        steps = schedule.steps(shape, 2)
        for channels in schedule.groups(shape.channels):
            assert [(step.sites.tolist(), step.kind) for step in steps if step.channels == channels] == expected


@pytest.mark.parametrize("kind", GROUPED)
@pytest.mark.parametrize(
    ("groups", "got", "expected"),
    [
        (5, "5 groups of equal size", "a number that divides the 24 latent channels"),
        (48, "48 groups of equal size", "a number that divides the 24 latent channels"),
        ((16, 16), "16 + 16 = 32 channels", "sizes that add up to the 24 latent channels"),
        ((23,), "23 = 23 channels", "sizes that add up to the 24 latent channels"),
    ],
)
def test_groups_that_are_not_all_channels_are_refused(
    kind: type[GroupedSchedule], groups: int | tuple[int, ...], got: str, expected: str
) -> None:
    with pytest.raises(RecipeError, match="are not all 24 channels") as caught:
        kind(groups=groups).groups(24)
    assert (caught.value.got, caught.value.expected) == (got, expected)
    assert "schedule.groups" in str(caught.value.hint)
    with pytest.raises(RecipeError, match="are not all 24 channels"):
        kind(groups=groups).steps(LatentShape(24, 3, 3), 2)


@pytest.mark.parametrize("groups", [0, -2, (), (3, 0)])
def test_groups_without_channels_are_refused(groups: int | tuple[int, ...]) -> None:
    with pytest.raises(RecipeError, match="cannot be cut into groups"):
        Groups(groups=groups)


@pytest.mark.parametrize(
    ("schedule", "count"),
    [
        (OneStep(), 1),
        (Checkerboard(), 2),
        (Quarters(), 4),
        (Raster(), 141),
        (Raster(execution="serial"), 1536),
        (Msp(), 10),
        (Msp(seeds=2), 28),
        (Msp(scales=4, block=(2, 4), seeds=4), 121),
        (Groups(groups=8), 8),
        (GroupsCheckerboard(groups=(16, 16, 32, 64)), 8),
        (GroupsRaster(groups=4), 564),
        (GroupsRaster(groups=4, execution="serial"), 6144),
        (TwoGroupsRaster(), 141 + 1536),
        (TwoGroupsRaster(execution="serial"), 2 * 1536),
        (Volume(), 9 * 127 + 3 * 31 + 48),
        (Volume(execution="serial"), 128 * 1536),
    ],
)
@pytest.mark.parametrize("size", [(32, 48)])
def test_step_counts_of_a_768x512_picture(schedule: Schedule, count: int, size: tuple[int, int]) -> None:
    assert len(schedule.steps(LatentShape(128, *size), reach=2)) == count


def test_quarters_see_more_and_more_of_their_neighbours() -> None:
    kind_of = np.empty(64, dtype=int)
    for step in Quarters().steps(LatentShape(3, 8, 8), reach=1):
        kind_of[step.sites] = step.kind
    kinds = kind_of.reshape(8, 8)
    assert kinds[:2, :2].tolist() == [[0, 2], [3, 1]]
    for row, column in np.ndindex(6, 6):
        window = kinds[row : row + 3, column : column + 3]
        before = window < window[1, 1]
        diagonal, direct = before[::2, ::2], (before[0, 1], before[1, 0], before[1, 2], before[2, 1])
        assert diagonal.all() == (window[1, 1] in (1, 3))
        assert all(direct) == (window[1, 1] in (2, 3))
        assert before.sum() == (0, 4, 4, 8)[window[1, 1]]


@given(shape=shapes, reach=st.integers(1, 3))
def test_fronts_wait_for_everything_within_reach(shape: LatentShape, reach: int) -> None:
    step_of = np.empty(shape.sites, dtype=int)
    for index, step in enumerate(Raster().steps(shape, reach)):
        step_of[step.sites] = index
    grid = step_of.reshape(shape.height, shape.width)
    for row in range(shape.height):
        for column in range(shape.width):
            above = grid[max(0, row - reach) : row, max(0, column - reach) : column + reach + 1]
            before = grid[row, max(0, column - reach) : column]
            assert (above < grid[row, column]).all()
            assert (before < grid[row, column]).all()


@given(shape=shapes, reach=st.integers(1, 3))
def test_fronts_of_a_volume_wait_for_everything_within_reach(shape: LatentShape, reach: int) -> None:
    step_of = np.empty(shape.elements, dtype=int)
    for index, step in enumerate(Volume().steps(shape, reach)):
        step_of[step.elements] = index
    volume = step_of.reshape(shape.dimensions)
    for channel, row, column in np.ndindex(shape.dimensions):
        rows, columns = slice(max(0, row - reach), row + reach + 1), slice(max(0, column - reach), column + reach + 1)
        assert (volume[max(0, channel - reach) : channel, rows, columns] < volume[channel, row, column]).all()
        assert (volume[channel, rows, columns][: row - rows.start] < volume[channel, row, column]).all()
        assert (volume[channel, row, columns.start : column] < volume[channel, row, column]).all()


def test_fronts_of_a_published_volume() -> None:
    shape = LatentShape(192, 32, 48)
    steps = Volume().steps(shape, reach=5)
    assert len(steps) == 36 * 191 + 6 * 31 + 48
    assert max(step.size for step in steps) < 64
    assert np.array_equal(steps[-1].elements, [shape.elements - 1])


def test_coarsest_scale_is_unconditional_and_others_are_not() -> None:
    steps = Msp().steps(LatentShape(4, 16, 16), 0)
    assert [step.conditional for step in steps] == [False] + [True] * 9
    assert [step.kind for step in steps] == [3, 2, 2, 2, 1, 1, 1, 0, 0, 0]


def test_odd_blocks_are_refused() -> None:
    with pytest.raises(RecipeError, match="even block sides"):
        Msp(block=(3, 2))
