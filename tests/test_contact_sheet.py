"""docs/contact_sheet.py: what it measures, what it draws, and the sheet that it writes."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner
from PIL import Image

SCRIPT = Path(__file__).resolve().parent.parent / "docs" / "contact_sheet.py"
SHEET: dict[str, Any] = runpy.run_path(str(SCRIPT))
DRAWN = ("text", "gradient", "flat", "screenshot")
SHAPE = 256, 192, 3


def noisy(pattern: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """A grey picture with a pattern and noise of three grey levels."""
    noise = np.random.default_rng(0).normal(0, 3, SHAPE)
    return np.rint(128 + noise + pattern).clip(0, 255).astype(np.uint8)


def stairs(tile: int) -> npt.NDArray[np.float64]:
    """A level for each tile, of eight grey levels about their mean."""
    levels = np.random.default_rng(1).normal(0, 8, (-(-SHAPE[0] // tile), -(-SHAPE[1] // tile), 3))
    return levels.repeat(tile, axis=0).repeat(tile, axis=1)[: SHAPE[0], : SHAPE[1]]


@pytest.mark.parametrize("tile", [8, 16])
def test_grid_is_one_for_noise_and_large_for_tiles(tile: int) -> None:
    grey = np.full(SHAPE, 128, np.uint8)
    assert SHEET["grid_ratio"](grey, noisy(np.zeros(SHAPE)), tile) == pytest.approx(1, abs=0.1)
    assert SHEET["grid_ratio"](grey, noisy(stairs(tile)), tile) > 2


def test_grid_does_not_see_other_tiles_and_edges_of_the_picture() -> None:
    grey, edges = np.full(SHAPE, 128, np.uint8), noisy(3 * stairs(16))
    assert SHEET["grid_ratio"](grey, noisy(stairs(11)), 8) < 1.3
    halved = (edges // 2).astype(np.uint8)  # an error as large as the steps of the picture
    assert SHEET["grid_ratio"](edges, halved, 16) < 1.6


def test_grid_of_a_picture_without_smooth_parts_is_one() -> None:
    rough = (255 * (np.indices(SHAPE).sum(axis=0) % 2)).astype(np.uint8)
    assert SHEET["grid_ratio"](rough, 255 - rough, 8) == 1


@pytest.mark.parametrize("field", SHEET["FIELDS"])
def test_checker_is_found_with_its_fields(field: int) -> None:
    rows, columns = (np.indices(SHAPE[:2]) // field) % 2
    board = (2.0 * (rows ^ columns) - 1)[..., None]
    noise = np.random.default_rng(2).normal(0, 3, SHAPE)
    ratio, found = SHEET["checker_ratio"](noise + 4 * board)
    assert (found, ratio > 2) == (field, True)


def test_checker_is_near_one_for_noise() -> None:
    assert SHEET["checker_ratio"](np.random.default_rng(3).normal(0, 3, SHAPE))[0] < 1.6


def test_nothing_is_a_pattern_where_nothing_differs() -> None:
    grey = np.full(SHAPE, 128, np.uint8)
    assert SHEET["grid_ratio"](grey, grey, 8) == 1
    assert SHEET["checker_ratio"](np.zeros(SHAPE))[0] == 1


def test_shift_is_signed_and_by_channel() -> None:
    original = np.full((4, 4, 3), 100, np.uint8)
    decoded = original.copy()
    decoded[:2, :, 1] -= 4
    one = SHEET["Version"](0, 6, decoded, original)
    assert one.shift == {"R": 0, "G": -2, "B": 0}
    assert one.largest_shift == ("G", -2)
    assert one.bpp == 3


@pytest.mark.parametrize("name", ["skin", "sky", *DRAWN])
def test_pictures_are_of_one_size_and_the_same_each_time(name: str) -> None:
    content = SHEET["CONTENTS"][name]
    picture = content.make()
    assert (picture.size, picture.mode) == ((512, 384), "RGB")
    assert picture.tobytes() == content.make().tobytes()
    corners = zip(content.corner, (SHEET["WIDTH"], SHEET["HEIGHT"]), SHEET["CELL"], strict=True)
    assert all(0 <= at <= whole - part for at, whole, part in corners)


def test_the_sheet_is_written_with_its_figures(tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    options = ["--weights", "house", "--only", "flat", "--quality", "0", "--quality", "1"]
    result = CliRunner().invoke(SHEET["main"], [*options, "-o", str(out)])
    assert result.exit_code == 0, result.output
    head, *lines = result.output.partition("\n\n")[0].splitlines()
    assert head.split()[:4] == ["content", "quality", "bpp", "PSNR"]
    assert [line.split()[:2] for line in lines] == [["flat", "0"], ["flat", "1"]]
    width, height = SHEET["CELL"]
    with Image.open(out) as image:
        assert image.width > 3 * width
        assert image.height > height


def test_unknown_weights_are_an_error_in_a_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        SHEET["main"], ["--weights", "nothing", "--only", "flat", "-o", str(tmp_path / "s.png")]
    )
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert not (tmp_path / "s.png").exists()


def test_the_sheet_in_the_folder_is_readable_and_not_large() -> None:
    path = SHEET["SHEET"]
    assert path.stat().st_size < 2_500_000
    with Image.open(path) as image:
        assert 1400 <= image.width <= 1700
