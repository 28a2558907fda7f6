"""Facts about a recipe are counted, not computed."""

from __future__ import annotations

import pytest
from torch import Tensor

from plic.core.recipe import load_recipe
from plic.core.report import report_on
from plic.plugins.context.masked_conv import MaskedConv


def test_a_stage_that_looks_at_values_is_counted_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe("minnen2018")
    counted = report_on(recipe, width=64, height=48)
    compute = MaskedConv.parameters_all

    def look(self: MaskedConv, values: Tensor, side: Tensor | None) -> Tensor:
        assert values.sum().item() == 0  # impossible on the meta device
        return compute(self, values, side)

    monkeypatch.setattr(MaskedConv, "parameters_all", look)
    assert report_on(recipe, width=64, height=48) == counted


def test_report_of_a_recipe() -> None:
    report = report_on(load_recipe("minnen2018"))
    assert list(report.macs_per_pixel) == ["analysis", "hyper analysis", "hyper synthesis", "context", "synthesis"]
    assert report.macs_per_pixel["analysis"] == 91296
    assert (report.steps, round(report.parameters / 1e6, 2)) == (141, 14.13)
    assert "hyper analysis" not in report_on(load_recipe("zhang2022-baseline")).macs_per_pixel
