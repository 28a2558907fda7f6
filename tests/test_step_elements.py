"""Reading and writing a step's elements: by slices or by indices, the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plic.core.slots import LatentShape, Schedule, Step, at_sites, put, take
from plic.core.slots.schedule import FEW_SITES
from plic.plugins.schedule.checkerboard import Checkerboard
from plic.plugins.schedule.groups import Groups
from plic.plugins.schedule.msp import Msp
from plic.plugins.schedule.one_step import OneStep
from plic.plugins.schedule.quarters import Quarters
from plic.plugins.schedule.raster import Raster
from plic.plugins.schedule.volume import Volume

SCHEDULES: list[Schedule] = [OneStep(), Quarters(), Checkerboard(), Groups(groups=2), Msp(), Raster(), Volume()]
shapes = st.builds(LatentShape, st.just(6), st.integers(1, 30), st.integers(1, 30))


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda one: type(one).__name__)
@settings(max_examples=40, deadline=None)
@given(shape=shapes, batch=st.integers(1, 3))
def test_elements_are_those_at_their_indices(schedule: Schedule, shape: LatentShape, batch: int) -> None:
    planes = torch.arange(batch * shape.elements).view(batch, *shape.dimensions)
    copied, per_parameter = torch.zeros_like(planes), planes[:, None].expand(-1, 2, -1, -1, -1)
    for step in schedule.steps(shape, 1):
        indices = torch.from_numpy(step.elements)
        expected = planes.flatten(1)[:, indices]
        assert torch.equal(take(planes, step), expected)
        assert torch.equal(take(per_parameter, step), expected[:, None].expand(-1, 2, -1))
        assert torch.equal(at_sites(planes, step), planes.flatten(2)[:, :, torch.from_numpy(step.sites)])
        put(copied, step, expected)
    assert torch.equal(copied, planes)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_planes_may_lie_in_memory_as_they_like(memory_format: torch.memory_format) -> None:
    shape = LatentShape(3, 17, 20)
    canvas = torch.zeros(2, 3, 19, 22, dtype=torch.float64).contiguous(memory_format=memory_format)
    planes, values = canvas[:, :, 1:-1, 1:-1], torch.randn(2, *shape.dimensions).round_()
    for step in Quarters().steps(shape, 1):
        put(planes, step, take(values, step))
    assert torch.equal(planes, values.double())


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        (np.arange(24 * 10), (slice(0, 10, 1), slice(0, 24, 1))),
        (np.arange(24 * 10).reshape(10, 24)[1::3, 2::2].reshape(-1), (slice(1, 8, 3), slice(2, 23, 2))),
        (np.arange(24 * 10).reshape(10, 24)[:, 5:10].T.reshape(-1), None),
        (np.arange(24 * 10)[::-1], None),
        (np.arange(24 * 10)[:-1], None),
        (np.arange(24 * 10).reshape(10, 24)[[0, 1, 3, 4]].reshape(-1), None),
        (np.arange(FEW_SITES), None),
        (np.repeat(7, FEW_SITES + 1), None),
    ],
)
def test_what_is_a_lattice(sites: np.ndarray, expected: tuple[slice, slice] | None) -> None:
    assert Step(LatentShape(2, 10, 24), np.ascontiguousarray(sites), (0, 2)).lattice == expected


@given(shape=shapes, limit=st.integers(1, 200), kind=st.integers(0, len(SCHEDULES) - 2))
def test_pieces_are_the_step_in_order(shape: LatentShape, limit: int, kind: int) -> None:
    for step in SCHEDULES[kind].steps(shape, 1):
        pieces = step.pieces(limit)
        assert np.array_equal(np.concatenate([piece.sites for piece in pieces]), step.sites)
        assert all(0 < len(piece.sites) <= limit for piece in pieces)
        assert {(piece.kind, piece.channels, piece.shape) for piece in pieces} == {(step.kind, step.channels, shape)}
        if step.lattice is not None and limit > max(FEW_SITES, shape.width):
            assert all(piece.lattice or len(piece.sites) <= FEW_SITES for piece in pieces)
