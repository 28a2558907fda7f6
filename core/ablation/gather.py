"""What has been measured so far: results of all runs, their means over the seeds, and differences from the base."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..comparison import Comparison, Difference, Measured, Metric, NoDifference, compare
from ..evaluation import Evaluation, Mean, QualityResult, StageSeconds, ms_ssim_db
from .cells import Cell
from .plan import Plan
from .qualities import joined
from .records import RunResult, read_failure, read_result


@dataclass(frozen=True)
class Figure:
    """A difference, as a mean over seeds.

    Attributes:
        mean: over the seeds.
        spread: sample standard deviation over the seeds; None with one.
        count: of seeds.
    """

    mean: float
    spread: float | None
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """Of at least one value."""
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None, len(values))

    @property
    def within_spread(self) -> bool:
        """Whether the difference is smaller than its spread; False where there is no spread to compare with."""
        return self.spread is not None and abs(self.mean) < self.spread


@dataclass(frozen=True)
class Outcome:
    """What is known about a cell.

    Attributes:
        cell: which.
        runs: results by seed.
        measured: the same with one row of qualities, by seed.
        mean: over the seeds; None before the first result.
        errors: tracebacks by seed, of attempts that failed.
        seeds: that there are to be.
    """

    cell: Cell
    runs: Mapping[int, RunResult]
    measured: Mapping[int, Evaluation]
    mean: Evaluation | None
    errors: Mapping[int, str]
    seeds: int

    @property
    def status(self) -> str:
        """``finished``, ``failed``, ``waiting``, ``cannot be built``, or how many seeds are finished or have failed."""
        if self.cell.recipe is None:
            return "cannot be built"
        if len(self.runs) == self.seeds:
            return "finished"
        if len(self.errors) == self.seeds:
            return "failed"
        if not self.runs and not self.errors:
            return "waiting"
        failed = f", {len(self.errors)} failed" if self.errors else ""
        return f"{len(self.runs)} of {self.seeds} seeds{failed}"


@dataclass(frozen=True)
class Gathered:
    """All cells of a study, as far as they are measured.

    Attributes:
        plan: of the study.
        outcomes: in the order of the cells.
        comparison: of the means, against the base; None before there is anything to draw.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    comparison: Comparison | None

    def outcome(self, label: str) -> Outcome:
        """Of the cell that a combination of this label amounts to."""
        return next(one for one in self.outcomes if label in [variant.label for variant in one.cell.variants])

    def difference(self, label: str, metric: Metric, reference: str | None = None) -> Figure | NoDifference:
        """BD-rate of a combination in percent, seed by seed against the reference under the same seed.

        Args:
            label: of the combination.
            metric: of quality.
            reference: label of another one; the base when None.
        """
        test = self.outcome(label)
        against = self.outcomes[0] if reference is None else self.outcome(reference)
        if test is against:
            return NoDifference("the base" if test.cell.is_base else "the same cell")
        if not test.runs:
            return NoDifference(test.status)
        if not against.runs:
            return NoDifference(f"nothing to compare with: {against.cell.label} {against.status}")
        rates, reason = [], NoDifference("no seed that both were trained with")
        for seed in self.plan.seeds:
            found = self.rate(test, against, seed, metric)
            if isinstance(found, float):
                rates.append(found)
            elif found is not None:
                reason = found
        return Figure.of(rates) if rates else reason

    def rate(self, test: Outcome, against: Outcome, seed: int, metric: Metric) -> float | NoDifference | None:
        """BD-rate under one seed; None if that was not measured for both."""
        if seed not in test.measured or seed not in against.measured:
            return None
        if test is against:
            return 0.0
        pair = [_as_measured(one.cell.label, one.measured[seed]) for one in (against, test)]
        found = compare(pair, {}, anchor=against.cell.label).rows[1].difference(metric)
        return found.rate if isinstance(found, Difference) else found


def gather(plan: Plan) -> Gathered:
    """Read what the runs of a study have left."""
    outcomes = tuple(_outcome(plan, cell) for cell in plan.cells)
    means = [_as_measured(one.cell.label, one.mean) for one in outcomes if one.mean is not None]
    comparison = compare(means, {}, anchor=means[0].label) if means else None
    return Gathered(plan, outcomes, comparison)


def _outcome(plan: Plan, cell: Cell) -> Outcome:
    runs, errors = {}, {}
    for seed in plan.seeds:
        task = plan.tasks.get((cell.label, seed))
        if task is None:
            continue
        result = read_result(task.folder, task.key)
        if result is not None:
            runs[seed] = result
        elif failure := read_failure(task.folder):
            errors[seed] = failure
    measured = {seed: joined(run.evaluations, plan.conditions.qualities) for seed, run in runs.items()}
    mean = mean_over(list(measured.values()), cell.label) if measured else None
    return Outcome(cell, runs, measured, mean, errors, len(plan.seeds))


def _as_measured(label: str, evaluation: Evaluation) -> Measured:
    return Measured(label, Path(), evaluation)


def mean_over(evaluations: Sequence[Evaluation], label: str) -> Evaluation:
    """The mean over the seeds, quality by quality; pictures are those of the first seed."""
    first = evaluations[0]
    results = [
        QualityResult(quality=same[0].quality, mean=_mean([one.mean for one in same]), images=same[0].images)
        for same in zip(*(one.qualities for one in evaluations), strict=True)
    ]
    return first.model_copy(update={"model": label, "qualities": tuple(results)})


def _mean(means: Sequence[Mean]) -> Mean:
    found = {name: _mean_of([getattr(one, name) for one in means]) for name in Mean.model_fields}
    return Mean(**found | {"ms_ssim_db": ms_ssim_db(found["ms_ssim"])})


def _mean_of(values: Sequence[Any]) -> Any:
    """Of numbers, or of what holds numbers; None where one of them is not known."""
    if any(one is None for one in values):
        return None
    if isinstance(values[0], StageSeconds):
        return StageSeconds.mean(values)
    if isinstance(values[0], Mapping):
        return {name: _mean_of([one.get(name) for one in values]) for name in values[0]}
    return math.fsum(values) / len(values)
