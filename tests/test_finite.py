"""`all_finite`: one sum where that is enough, every value where it is not."""

from __future__ import annotations

import pytest
import torch

from plic.core.finite import all_finite


@pytest.mark.parametrize("bad", [[float("nan")], [float("inf")], [float("-inf")], [float("inf"), float("-inf")]])
def test_one_bad_value_is_found(bad: list[float]) -> None:
    values = torch.rand(1000)
    values[17 : 17 + len(bad)] = torch.tensor(bad)
    assert not all_finite(values)
    assert not all_finite(values.bfloat16())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_finite_values_whose_sum_is_not(dtype: torch.dtype) -> None:
    largest = torch.full((8,), torch.finfo(dtype).max, dtype=dtype)
    assert not torch.isfinite(largest.sum())
    assert all_finite(largest)


def test_nothing_is_finite() -> None:
    assert all_finite(torch.empty(0, 3))
    assert all_finite(torch.arange(5))
