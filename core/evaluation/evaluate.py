"""Measure a codec: every picture of a folder is really encoded and decoded at every quality."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import torch

from ..frozen import FrozenCodec
from ..image import find_pictures, read_picture
from ..report import report_on
from ..threads import threads as torch_threads
from ..versions import versions
from .extra import ExtraMetric
from .measure import Encode, Job, PictureStore, measure
from .results import Evaluation, ImageResult, QualityResult
from .workers import run_in_processes


def evaluate(
    codec: FrozenCodec,
    folder: str | Path,
    qualities: Iterable[float] | None = None,
    *,
    model: str | None = None,
    encode: Encode | None = None,
    store: PictureStore | None = None,
    metrics: Sequence[ExtraMetric] = (),
    processes: int = 1,
    threads: int | None = None,
    report: Callable[[QualityResult], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Encode and decode every picture of a folder at every quality.

    In one process the first picture is coded once more at the start, and not counted: what is loaded and compiled then
    does not blur the seconds. Several processes get in each other's way: their seconds are not those of a codec. All
    other figures are the same for any number of processes with the same number of threads.

    Args:
        codec: to be measured.
        folder: of pictures, searched with all folders in it.
        qualities: levels, or points between two where the codec has them; all levels when None.
        model: label of the result; the recipe's name when None.
        encode: how pictures are encoded; `FrozenCodec.encode_batch` when None. With several processes it is pickled.
        store: where decoded pictures are kept; nowhere when None.
        metrics: of plugins, that are measured too; see `extra_metrics`. With several processes they are pickled.
        processes: that code side by side.
        threads: of the networks in each process; when None the processes share as many as torch would use.
        report: called with the result of each quality as soon as it is known.
        progress: called with the number of pictures done at any quality, and of all to do.

    Raises:
        PlicError: the folder holds no pictures, there is no such quality, or a picture cannot be read.
        PluginError: ``pytorch-msssim`` is not installed, or a plugin's metric failed.
    """
    chosen = range(codec.networks.rate.levels) if qualities is None else qualities
    levels = [codec.level(quality) for quality in chosen]
    pictures = find_pictures(folder)
    named = [(path, path.relative_to(folder).as_posix()) for path in pictures]
    jobs = [Job(path, name, level, encode, store, tuple(metrics)) for level in levels for path, name in named]
    threads = threads or max(1, torch.get_num_threads() // processes)
    facts = report_on(codec.recipe)
    results = []
    with closing(_counted(_run(codec, jobs, processes, threads), len(jobs), progress)) as images:
        for level in levels:
            results.append(QualityResult.of(level, list(islice(images, len(pictures)))))
            if report is not None:
                report(results[-1])
    return Evaluation(
        model=model or codec.recipe.name,
        recipe=codec.recipe.resolved(),
        fingerprint=codec.networks.fingerprint(codec.recipe.fingerprint()).hex(),
        data=Path(folder).resolve().name,
        threads=threads,
        versions=versions(),
        qualities=tuple(results),
        folder=str(Path(folder).resolve()),
        parameters=facts.parameters,
        macs_per_pixel=facts.macs_per_pixel,
        processes=processes,
        metrics={one.spec.id: one.facts for one in metrics},
    )


def _run(codec: FrozenCodec, jobs: Sequence[Job], processes: int, threads: int) -> Generator[ImageResult, None, None]:
    if processes > 1:
        yield from run_in_processes(codec, jobs, processes, threads)
        return
    with torch_threads(threads):
        for index, job in enumerate(jobs):
            if index == 0:
                measure(codec, read_picture(job.path), job.quality)
            yield job.run(codec)


def _counted(
    images: Generator[ImageResult, None, None], total: int, progress: Callable[[int, int], None] | None
) -> Generator[ImageResult, None, None]:
    with closing(images):
        for done, image in enumerate(images, 1):
            if progress is not None:
                progress(done, total)
            yield image
