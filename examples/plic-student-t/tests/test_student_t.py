"""The head keeps the contract of its slot, and its tables are what the generator derives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from plic.core.probability import Support
from plic.testing import HeadContract, contract, require

from plic_student_t import StudentT
from plic_student_t.ladder import RUNGS, TABLES, family_name, rung_of


class TestStudentT(HeadContract):
    part = StudentT

    @contract
    def test_the_nearest_rung_is_frozen(self) -> None:
        """What is frozen of the degrees of freedom is the nearest rung of the ladder."""
        head = StudentT(3, degrees=1.001)
        with torch.no_grad():
            head.ladder.copy_((torch.tensor([0.2, 7.6, 31.9]) / 32).logit())
        frozen = head.freeze()
        rungs = frozen.rungs.tolist()
        require(rungs == [0, 8, 32], "the rungs are not the nearest", got=rungs, expected=[0, 8, 32])


class TestOneStudentT(HeadContract):
    part = StudentT
    settings = {"components": 1, "degrees": 1.5}


class TestStudentTNextToGauss(HeadContract):
    part = StudentT
    settings = {"components": 2, "degrees": 1000.0}


class TestStudentTBetweenRungs(HeadContract):
    """As far from the tables as the ladder allows, where these differ most."""

    part = StudentT
    settings = {"components": 1, "degrees": 64.0}

    def lively(self, seed: int = 0) -> StudentT:
        head = StudentT(self.channels, components=1, degrees=64.0)
        assert torch.allclose(head.rung(), torch.tensor(31.5))
        return head


def test_the_file_is_what_the_generator_derives() -> None:
    """To the last integer; a few rungs stand for all, whose file the SHA-256 pins."""
    pytest.importorskip("mpmath")
    from plic_student_t import generate

    stored = TABLES.read()
    assert list(stored) == [family_name(rung) for rung in range(RUNGS)]
    for name, table in generate.derive((0, 1, 17, RUNGS - 2, RUNGS - 1)).items():
        np.testing.assert_array_equal(stored[name].table, table)


def test_degrees_are_learned_from_what_is_seen() -> None:
    """On samples of Student's density with three degrees of freedom, from Gauss's, the ladder is climbed down."""
    random = torch.Generator().manual_seed(0)
    normal = torch.randn(1, 1, 64, 64, generator=random)
    squares = torch.randn(3, 1, 64, 64, generator=random).square().mean(0, keepdim=True)
    values = torch.round(4 * normal / squares.sqrt())
    head = StudentT(1, components=1, degrees=50.0)
    parameters = torch.tensor([0.0, 4.0])[None, :, None, None, None].expand(1, 2, 1, 64, 64)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(40):
        optimizer.zero_grad()
        (-head.likelihood(parameters, values).log2().mean()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert abs(float(head.rung().detach()) - rung_of(3.0)) < 2.0


def test_a_heavy_tail_costs_less_far_out() -> None:
    """Twenty scales from the mean Cauchy's density still has what Gauss's has not."""
    parameters, channel = np.array([[0.0], [1.0]]), np.zeros(1, dtype=np.int64)
    bits = []
    for degrees in (1.001, 1000.0):
        distribution = StudentT(1, components=1, degrees=degrees).freeze()(parameters, channel, Support(-64, 64))
        bits.append(float(distribution.bits(np.array([20], dtype=np.int32))[0]))
    assert bits[0] < 12
    assert bits[1] > 25
