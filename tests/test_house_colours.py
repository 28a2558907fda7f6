"""The default codec and colour, flat areas and text: nothing worse than a codec's usual blur.

Pictures and measures are those of docs/contact_sheet.py, which shows the same at full size; the three qualities are
those that the sheet shows by default, near 0.15, 0.4 and 1 bit per pixel on photographs.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import plic
from plic.core.frozen import FrozenCodec

SHEET: dict[str, Any] = runpy.run_path(str(Path(__file__).resolve().parent.parent / "docs" / "contact_sheet.py"))

SHIFT = 0.5
"""Grey levels by which the mean of a channel may change."""
GRID = {"skin": 1.5, "text": 3.0, "gradient": 3.0}
"""How many times as much the error may change across tile borders as elsewhere. Of Pillow's JPEG files at quality 5,
the photograph has 3.1, the text 2.2 and the gradient 6.1; at quality 25 they have 1.7, 1.2 and 3.4."""
CHECKER = 3.0
"""How many times its neighbours' power a checkerboard's frequency may have in the error; a board as strong as the rest
has far more, chance alone at most about 1.5."""
RATES = ("low", "middle", "high")
FLAT_SHIFT = {"low": 16.0, "middle": 6.0, "high": 3.0}
"""Grey levels by which a picture of one colour may decode as another one, away from its border. Pillow's JPEG files of
these colours are off by up to 18 levels at quality 5, 4 at 25 and 1 at 80."""
FLAT_SPREAD = 2.0
"""Standard deviation within a picture of one colour, in grey levels, away from its border: no pattern in flat areas."""
COLOURS = ("#ffffff", "#000000", "#808080", "#ff0000", "#00ff00", "#0000ff", "#f2d3c0", "#87b7e8", "#2f6b2a", "#1a1a2e")
BORDER = 32


@pytest.fixture(scope="module")
def codec() -> FrozenCodec:
    return plic.load("house")


@pytest.fixture(scope="module")
def qualities(codec: FrozenCodec) -> dict[str, float]:
    return dict(zip(RATES, SHEET["near_rates"](codec), strict=True))


@pytest.fixture(scope="module")
def versions() -> dict[tuple[str, str], Any]:
    """What was decoded so far, by content and rate."""
    return {}


@pytest.fixture
def version(
    codec: FrozenCodec, qualities: dict[str, float], versions: dict[tuple[str, str], Any], name: str, rate: str
) -> Any:
    if (name, rate) not in versions:
        versions[name, rate] = SHEET["version"](codec, SHEET["CONTENTS"][name].make(), qualities[rate])
    return versions[name, rate]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", GRID)
def test_means_of_channels_stay(version: Any, name: str, rate: str) -> None:
    assert abs(version.largest_shift[1]) < SHIFT, (version.quality, version.shift)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", GRID)
def test_no_tiles_and_no_checkerboard(version: Any, name: str, rate: str) -> None:
    for tile in (8, 16):
        assert SHEET["grid_ratio"](version.original, version.pixels, tile) < GRID[name], tile
    ratio, field = SHEET["checker_ratio"](version.error)
    assert ratio < CHECKER, field


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("colour", COLOURS)
def test_one_colour_decodes_as_nearly_that_colour(
    codec: FrozenCodec, qualities: dict[str, float], colour: str, rate: str
) -> None:
    picture = Image.new("RGB", (128, 128), colour)
    error = SHEET["version"](codec, picture, qualities[rate]).error[BORDER:-BORDER, BORDER:-BORDER]
    assert np.abs(error.mean(axis=(0, 1))).max() < FLAT_SHIFT[rate]
    assert error.std(axis=(0, 1)).max() < FLAT_SPREAD
