"""Schedules: steps partition the elements, in as many steps as promised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plic.core.errors import RecipeError
from plic.core.slots import LatentShape, Schedule
from plic.plugins.schedule.checkerboard import Checkerboard
from plic.plugins.schedule.msp import Msp
from plic.plugins.schedule.one_step import OneStep
from plic.plugins.schedule.raster import Raster

SCHEDULES = [
    OneStep(),
    Raster(),
    Raster(execution="serial"),
    Checkerboard(),
    Msp(),
    Msp(seeds=2),
    Msp(scales=4, block=(2, 4), seeds=4),
]
shapes = st.builds(LatentShape, st.integers(1, 9), st.integers(1, 21), st.integers(1, 21))


def name(schedule: Schedule) -> str:
    return f"{schedule.order}-{len(vars(schedule))}"


@pytest.mark.parametrize("schedule", SCHEDULES, ids=name)
@given(shape=shapes)
def test_steps_partition_the_elements(schedule: Schedule, shape: LatentShape) -> None:
    steps = schedule.steps(shape, reach=2)
    assert all(step.size for step in steps)
    elements = np.concatenate([step.elements for step in steps])
    assert np.array_equal(np.sort(elements), np.arange(shape.elements))


@pytest.mark.parametrize(
    ("schedule", "count"),
    [
        (OneStep(), 1),
        (Checkerboard(), 2),
        (Raster(), 141),
        (Raster(execution="serial"), 1536),
        (Msp(), 10),
        (Msp(seeds=2), 28),
        (Msp(scales=4, block=(2, 4), seeds=4), 121),
    ],
)
@pytest.mark.parametrize("size", [(32, 48)])
def test_step_counts_of_a_768x512_picture(schedule: Schedule, count: int, size: tuple[int, int]) -> None:
    assert len(schedule.steps(LatentShape(128, *size), reach=2)) == count


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


def test_coarsest_scale_is_unconditional_and_others_are_not() -> None:
    steps = Msp().steps(LatentShape(4, 16, 16), 0)
    assert [step.conditional for step in steps] == [False] + [True] * 9
    assert [step.kind for step in steps] == [3, 2, 2, 2, 1, 1, 1, 0, 0, 0]


def test_odd_blocks_are_refused() -> None:
    with pytest.raises(RecipeError, match="even block sides"):
        Msp(block=(3, 2))
