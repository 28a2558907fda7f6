"""Crops: each is a piece of a photograph, turned or mirrored, and depends on seed and step alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small import photograph

from plic.core.errors import FileError, TrainingError
from plic.core.recipe import TrainingSettings
from plic.core.training import Photographs
from plic.core.training.draws import Draw
from plic.core.training.schedule import crops, learning_rate

CPU = torch.device("cpu")
SIZES = ((20, 31), (40, 33), (9, 50))
PIXELS = [np.random.default_rng(size).integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]


def orientations(square: np.ndarray) -> Iterator[np.ndarray]:
    for turned in (square, square.transpose(1, 0, 2)):
        for mirrored in (turned, turned[::-1]):
            yield mirrored
            yield mirrored[:, ::-1]


SIDE = 8
PIECES = {
    one.tobytes()
    for pixels in PIXELS
    for top in range(pixels.shape[0] - SIDE + 1)
    for left in range(pixels.shape[1] - SIDE + 1)
    for one in orientations(pixels[top : top + SIDE, left : left + SIDE])
}


@settings(deadline=None)
@given(st.integers(-3, 10**6), st.integers(-5, 10**9))
def test_every_crop_is_a_piece_of_a_photograph(seed: int, step: int) -> None:
    photographs = Photographs(PIXELS, CPU)
    draw = Draw.at(seed, step, photographs, batch=2, crop=SIDE, levels=3, smallest_scale=1.0)
    assert set(draw.quality.tolist()) <= {0, 1, 2}
    for crop in (draw.cut(photographs) * 255).round().byte().permute(0, 2, 3, 1).numpy():
        assert crop.tobytes() in PIECES


def test_all_orientations_and_photographs_occur() -> None:
    photographs = Photographs(PIXELS, CPU)
    seen = set()
    for step in range(60):
        draw = Draw.at(0, step, photographs, 4, 9, 1, 1.0)
        start, row, column = draw.places
        which = np.searchsorted(photographs.starts, start, side="right") - 1
        seen |= {
            (int(w), bool(r > 0), bool(c > 0), abs(int(r)) > abs(int(c)))
            for w, r, c in zip(which, row, column, strict=True)
        }
    assert len(seen) == 3 * 8


def test_small_photographs_are_left_out_of_large_windows() -> None:
    photographs = Photographs(PIXELS, CPU)
    draw = Draw.at(0, 0, photographs, 50, 20, 1, 1.0)
    which = np.searchsorted(photographs.starts, draw.places[0], side="right") - 1
    assert 2 not in which


def test_reduced_crops_have_the_asked_size_and_range() -> None:
    photographs = Photographs([np.full((100, 90, 3), 255, np.uint8)], CPU)
    windows = set()
    for step in range(20):
        draw = Draw.at(0, step, photographs, 2, 32, 1, 0.25)
        windows.add(draw.window)
        x = draw.cut(photographs)
        assert x.shape == (2, 3, 32, 32)
        assert float(x.min()) == pytest.approx(1.0, abs=1e-5)
    assert min(windows) >= 32
    assert max(windows) == 90  # no photograph is larger
    assert len(windows) > 5


def test_parts_of_a_draw_are_the_whole() -> None:
    photographs = Photographs(PIXELS, CPU)
    draw = Draw.at(3, 4, photographs, 6, 8, 5, 1.0)
    parts = [draw.part(rank, 3) for rank in range(3)]
    assert torch.equal(torch.cat([part.cut(photographs) for part in parts]), draw.cut(photographs))
    assert np.array_equal(np.concatenate([part.quality for part in parts]), draw.quality)


def test_photographs_are_read_from_folders(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    photograph(70, 60, 1).save(tmp_path / "a.png")
    photograph(90, 80, 2).save(tmp_path / "below" / "b.png")
    photograph(30, 80, 3).save(tmp_path / "small.png")
    seen: list[tuple[int, int]] = []
    found = Photographs.of([tmp_path], 48, CPU, lambda done, total: seen.append((done, total)))
    assert sorted(zip(found.widths.tolist(), found.heights.tolist(), strict=True)) == [(70, 60), (90, 80)]
    assert seen[-1] == (3, 3)
    with pytest.raises(TrainingError, match="nothing to train on"):
        Photographs.of([tmp_path], 100, CPU)
    with pytest.raises(FileError, match="no such folder"):
        Photographs.of([tmp_path / "elsewhere"], 1, CPU)


def test_learning_rate_rises_stays_and_falls() -> None:
    chosen = TrainingSettings(lambdas=[0.01], steps=100, learning_rate=1.0, warmup=10, decay_fraction=0.5)
    rates = [learning_rate(chosen, step, step / 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:50] == [1.0] * 41
    assert rates[75] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0.0)


def test_crops_by_the_share_of_the_run() -> None:
    stages = [{"until": 0.25, "crop": 64, "batch": 32}, {"until": 0.5, "crop": 128}]
    chosen = TrainingSettings.model_validate({"lambdas": [0.01], "crop": 256, "batch": 8, "curriculum": stages})
    assert [crops(chosen, share) for share in (0.0, 0.24, 0.25, 0.5, 1.0)] == [
        (64, 32), (64, 32), (128, 8), (256, 8), (256, 8)
    ]  # fmt: skip
    assert chosen.largest_crop == 256
    with pytest.raises(ValueError, match="one after the other"):
        TrainingSettings.model_validate({"lambdas": [0.01], "curriculum": list(reversed(stages))})
