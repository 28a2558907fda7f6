"""Evaluation in several processes: the same figures, the same errors, and nobody left behind."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
from small import photograph, small_frozen

from plic.core.commands.refining import RefineOptions
from plic.core.errors import ImageError, PlicError
from plic.core.evaluation import Evaluation, ImageResult, PictureStore, evaluate
from plic.core.frozen import Encoded, FrozenCodec
from plic.core.image import Picture
from plic.core.stages import StageTimes

VARYING = {"encode", "decode", "encode_memory", "decode_memory"}
"""What differs from run to run."""


@pytest.fixture(scope="module")
def codec() -> FrozenCodec:
    return small_frozen("house")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("three")
    for index, size in enumerate(((40, 24), (16, 33), (24, 24))):
        photograph(*size, seed=index).save(folder / f"{index}.png")
    return folder


def figures(image: ImageResult) -> dict[str, object]:
    return {name: str(value) for name, value in image if name not in VARYING}  # NaN equals itself as text


def all_figures(evaluation: Evaluation) -> list[dict[str, object]]:
    return [figures(image) for result in evaluation.qualities for image in result.images]


def dies(codec: FrozenCodec, picture: Picture, quality: float | None, times: StageTimes) -> Encoded:
    os._exit(3)


def test_figures_do_not_depend_on_the_number_of_processes(codec: FrozenCodec, pictures: Path, tmp_path: Path) -> None:
    """Nor do progress and the pictures kept; a way of encoding travels to the processes."""
    seen: list[int] = []
    encode = RefineOptions("lof", iterations=1, multiplier=0.01).encoded
    store = PictureStore(tmp_path / "kept", tmp_path)
    alone = evaluate(codec, pictures, [0, 2], threads=1, encode=encode, store=store)
    both = evaluate(
        *(codec, pictures, [0, 2]),
        threads=1,
        encode=encode,
        store=store,
        processes=2,
        progress=lambda done, _: seen.append(done),
    )
    assert all_figures(both) == all_figures(alone)
    assert (both.processes, both.threads, seen) == (2, 1, [1, 2, 3, 4, 5, 6])
    assert both.qualities[1].images[2].decoded == "kept/2/2.png"
    assert multiprocessing.active_children() == []


def test_a_way_of_encoding_that_cannot_travel(codec: FrozenCodec, pictures: Path) -> None:
    with pytest.raises(PlicError, match="cannot be sent to other processes"):
        evaluate(codec, pictures, [1], encode=lambda *_: Encoded(b"", 0), processes=2)


def test_errors_of_a_process_come_through(codec: FrozenCodec, tmp_path: Path) -> None:
    photograph(16, 16).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"b\.png") as alone:
        evaluate(codec, tmp_path, [0])
    with pytest.raises(ImageError) as both:
        evaluate(codec, tmp_path, [0], processes=2)
    assert str(both.value) == str(alone.value)
    assert both.value.hint == alone.value.hint
    assert multiprocessing.active_children() == []


def test_interrupting_ends_the_processes(codec: FrozenCodec, pictures: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(codec, pictures, processes=2, threads=1, progress=interrupt)
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_a_process_that_dies(codec: FrozenCodec, pictures: Path) -> None:
    with pytest.raises(PlicError, match="a process that coded pictures died"):
        evaluate(codec, pictures, [0], encode=dies, processes=2, threads=1)
