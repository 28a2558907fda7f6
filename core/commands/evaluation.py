"""``plic evaluate``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FileError
from .bars import Bar

if TYPE_CHECKING:
    from ..evaluation import QualityResult
    from .refining import RefineOptions


class EvaluationDisplay:
    """Shows an evaluation: a line on standard output for each quality, and on a terminal a bar on standard error."""

    def __init__(self) -> None:
        self._bar = Bar(counts=True)

    def tick(self, model: str, done: int, total: int) -> None:
        """Some pictures of a model are done."""
        self._bar.advance(model, done, total)
        if done == total:
            self.close()

    def line(self, model: str, result: QualityResult) -> None:
        """The means of a quality."""
        self._bar.above(quality_line(model, result))

    def close(self) -> None:
        """End the line of the bar."""
        self._bar.close()


def quality_line(model: str, result: QualityResult) -> str:
    """The means of a quality, for people."""
    from ..container.stream import quality_text
    from ..evaluation.metrics import SMALLEST_SIDE

    mean = result.mean
    similarity = f"MS-SSIM {mean.ms_ssim:.5f} ({mean.ms_ssim_db:.2f} dB)"
    if math.isnan(mean.ms_ssim):
        similarity = f"no MS-SSIM (a side below {SMALLEST_SIDE} pixels)"
    steps = "" if mean.decode_steps is None else f"  steps {mean.decode_steps:.0f}"
    memory = "" if mean.decode_memory is None else f"  memory {mean.decode_memory / 2**20:.0f} MiB"
    return (
        f"{model}  quality {quality_text(result.quality)}  {mean.bpp:.4f} bpp  PSNR {mean.psnr:.3f} dB  "
        f"{similarity}  estimate {mean.estimate_bpp:.4f} bpp  "
        f"overhead {100 * mean.overhead:.2f} %  "
        f"encode {mean.encode.total:.2f} s  decode {mean.decode.total:.2f} s{steps}{memory}"
        + "".join(f"  {name} {value:.5g}" for name, value in mean.metrics.items())
    )


def evaluate_models(
    models: Sequence[str],
    data: str,
    out: str,
    *,
    quality: Sequence[float] = (),
    processes: int = 1,
    threads: int | None = None,
    save_pictures: bool = False,
    force: bool = False,
    refine: RefineOptions | None = None,
    metric: Sequence[str] = (),
    display: EvaluationDisplay | None = None,
) -> None:
    """Measure models on a folder of pictures. The results file is written anew after each model.

    Args:
        models: names of recipes with shipped weights, or paths of weights files.
        data: folder of pictures.
        out: results file (JSON).
        quality: levels, or points between two; all levels of each model when empty.
        processes: that code side by side.
        threads: of the networks in each process; the processes share torch's default when None.
        save_pictures: whether decoded pictures are kept, in a folder beside the results file.
        force: whether an existing results file, and decoded pictures, may be overwritten.
        refine: whether and how latents are refined before they are coded; results are then labelled so.
        metric: names of plugins' metrics that are measured too.
        display: is told of progress and results.

    Raises:
        PlicError: a model, a metric, the pictures or the results file are not usable.
    """
    target = Path(out)
    pictures = target.with_name(f"{target.stem}.pictures")
    _check_targets([target, pictures] if save_pictures else [target], force)
    from ..api import load
    from ..evaluation import Evaluation, PictureStore, evaluate, extra_metrics, write_evaluations
    from .weights import fetch_bar

    metrics = extra_metrics(metric)
    evaluations: list[Evaluation] = []
    suffix = "" if refine is None else f" + {refine.refiner}"
    labels = [_label(model) + suffix for model in models]
    with fetch_bar():
        codecs = [load(model) for model in models]
    for name, codec, folder in zip(labels, codecs, _folders(labels), strict=True):
        result = evaluate(
            codec,
            data,
            quality or None,
            model=name,
            encode=None if refine is None else refine.encoded,
            store=PictureStore(pictures / folder, target.parent) if save_pictures else None,
            metrics=metrics,
            processes=processes,
            threads=threads,
            report=None if display is None else partial(display.line, name),
            progress=None if display is None else partial(display.tick, name),
        )
        evaluations.append(result)
        write_evaluations(out, evaluations)


def _label(model: str) -> str:
    """A recipe's name, or the last folder and the stem of a weights file's path: training calls every file alike."""
    path = Path(model)
    return "/".join((*path.parts[-2:-1], path.stem))


def _folders(labels: Sequence[str]) -> Iterator[str]:
    """A name for a folder for each label, no name twice."""
    used: set[str] = set()
    for label in labels:
        plain = re.sub(r"[^\w.+-]+", "-", label).strip(".-") or "model"
        name, count = plain, 1
        while name in used:
            count += 1
            name = f"{plain}-{count}"
        used.add(name)
        yield name


def _check_targets(paths: Sequence[Path], force: bool) -> None:
    """Refuses before hours of work what writing would refuse after them."""
    for path in paths:
        if path.exists() and not force:
            raise FileError(f"{path} exists", hint="add -f to overwrite it, or name another file with -o")
        if not path.parent.is_dir():
            hint = f"make it first: mkdir -p {path.parent}"
            raise FileError("the folder to write into does not exist", got=str(path.parent), hint=hint)
