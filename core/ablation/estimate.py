"""How long a study will take, from a few real steps and one picture for each cell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import PlicError
from ..evaluation import measure
from ..image import find_pictures, read_picture
from ..recipe import Recipe
from ..threads import threads as torch_threads
from ..training import Photographs, TrainingRun, World
from ..training.world import joined
from .plan import Plan
from .qualities import models_of, places, rate_of

STEPS = 3
"""That are timed, after one that is not: what is loaded and compiled then would count."""


@dataclass(frozen=True)
class Estimate:
    """Of one run.

    Attributes:
        training: seconds.
        measuring: seconds.
        problem: why there is none; empty otherwise.
    """

    training: float = 0.0
    measuring: float = 0.0
    problem: str = ""

    @property
    def total(self) -> float:
        """Seconds."""
        return self.training + self.measuring


def estimates(plan: Plan, report: Callable[[str, int, int], None] = lambda *_: None) -> dict[str, Estimate]:
    """Estimates by the label of the cell, measured one after the other with the threads of a worker.

    Args:
        plan: of the study.
        report: called with the label of the cell at hand, the number of cells done, and of all.

    Raises:
        PlicError: the photographs or the pictures cannot be read.
    """
    cells = [cell for cell in plan.cells if cell.recipe is not None]
    found = {}
    with joined(plan.settings.device) as world:
        timing = _Timing(plan, world)
        for index, cell in enumerate(cells):
            report(cell.label, index, len(cells))
            task = plan.tasks[cell.label, plan.seeds[0]]
            with torch_threads(task.threads):
                found[cell.label] = timing.of(cell.recipe) if cell.recipe is not None else Estimate()
        report("", len(cells), len(cells))
    return found


class _Timing:
    """What all cells are timed on."""

    def __init__(self, plan: Plan, world: World) -> None:
        self._world = world
        self._settings = plan.settings
        largest = max(cell.recipe.training.largest_crop for cell in plan.cells if cell.recipe is not None)
        self._photographs = Photographs.of(plan.settings.data, largest, world.device)
        self._paths = find_pictures(plan.settings.pictures)

    def of(self, recipe: Recipe) -> Estimate:
        """Time a recipe; whatever its parts raise ends up in the estimate."""
        try:
            return self._time(recipe)
        except PlicError as error:
            return Estimate(problem=str(error))
        except Exception as error:  # a part of a third party may raise anything
            return Estimate(problem=f"{type(error).__name__}: {error}")

    def _time(self, recipe: Recipe) -> Estimate:
        models = models_of(recipe)
        # nothing is written there: a run only writes when it is asked to save
        run = TrainingRun(recipe, self._photographs, Path(), None if rate_of(recipe).levels > 1 else 0, self._world)
        seconds = sum(share * _step_seconds(run, start) for start, share in _stages(recipe)) * recipe.training.steps
        codec = run.trained().freeze()
        picture = read_picture(self._paths[0])
        measure(codec, picture)
        result = measure(codec, picture)
        per_pixel = (result.encode.total + result.decode.total) / (picture.width * picture.height)
        chosen = places(recipe, self._settings.qualities)
        codings = sum(len(levels) or codec.networks.rate.levels for levels in chosen.values())
        return Estimate(seconds * models, per_pixel * self._pixels * codings)

    @cached_property
    def _pixels(self) -> int:
        """Of all pictures to evaluate on."""
        sizes = ((picture.width, picture.height) for picture in map(read_picture, self._paths))
        return sum(width * height for width, height in sizes)


def _stages(recipe: Recipe) -> Iterator[tuple[float, float]]:
    """Where the stages of a curriculum begin, and their shares of the run."""
    start = 0.0
    for end in [*(stage.until for stage in recipe.training.curriculum), 1.0]:
        yield start, end - start
        start = end


def _step_seconds(run: TrainingRun, share: float) -> float:
    run.share = max(run.share, share)
    run.step()
    started = time.perf_counter()
    for _ in range(STEPS):
        run.step()
    run.means()  # waits for the device
    return (time.perf_counter() - started) / STEPS
