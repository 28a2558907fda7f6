"""Recipes have as many parameters as the systems that they stand for."""

from __future__ import annotations

import pytest

from plic.core.recipe import load_recipe
from plic.core.report import report_on

MILLIONS = {
    "balle2017": "3.00",
    "balle2017-high": "7.03",
    "balle2017-tfc": "1.77",
    "balle2018": "5.08",
    "balle2018-high": "11.82",
    "minnen2018-mean": "7.03",
    "minnen2018-mean-high": "17.56",
    "minnen2018": "14.13",
    "minnen2018-high": "25.50",
    "cheng2020-anchor": "11.83",
    "cheng2020-anchor-high": "26.60",
    "cheng2020-attn": "13.18",
    "cheng2020-attn-high": "29.63",
    "cheng2020-gmm": "11.20",
    "cheng2020-gmm-high": "23.85",
    "chen2019": "48.43",  # 52.64 in published code, 4.21 of them in two attention masks that it never uses
    "chen2019-high": "86.15",  # 93.63, of which 7.48 likewise
    "he2021": "11.83",
    "he2021-high": "26.60",
    "zhang2022-baseline": "5.71",
    "zhang2022-normal": "5.79",
    "zhang2022-extra": "7.85",
    "elic2022": "32.07",
    "minnen2020": "114",
}
"""Published or counted in published code, to as many digits as were printed."""


@pytest.mark.parametrize("recipe", MILLIONS)
def test_parameters(recipe: str) -> None:
    wanted = MILLIONS[recipe]
    digits = len(wanted.partition(".")[2])
    assert f"{report_on(load_recipe(recipe), width=64, height=64).parameters / 1e6:.{digits}f}" == wanted
