"""``plic ablate``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import PlicError
from ..recipe import parse_overrides
from .bars import PARTS, Bar
from .training import duration

if TYPE_CHECKING:
    from ..ablation import Engine, Estimate, Facts, Figure, Gathered, Plan, Settings, Task
    from ..comparison import NoDifference


def settings_of(
    recipe: str,
    *,
    swaps: Sequence[str],
    data: Sequence[str],
    pictures: str,
    out: str,
    design: str = "one-at-a-time",
    settings: Sequence[str] = (),
    lambdas: Sequence[float] = (),
    steps: int | None = None,
    seeds: Sequence[int] = (),
    quality: Sequence[float] = (),
    start: str | None = None,
    fresh: Sequence[str] = (),
    device: str = "auto",
    threads: int | None = None,
    workers: int = 1,
) -> Settings:
    """What the command line asks for.

    Args:
        recipe: name or path.
        swaps: as ``slot=id,id`` or ``slot.key=value,value``.
        data: folders of photographs.
        pictures: folder to evaluate on.
        out: folder of the study.
        design: see `plic.core.ablation.Design`.
        settings: common ones, as ``slot.key=value``.
        lambdas: instead of ``training.lambdas``; put into increasing order.
        steps: instead of ``training.steps``.
        seeds: of training.
        quality: to evaluate.
        start: weights file.
        fresh: slots.
        device: name of a device.
        threads: of each worker.
        workers: side by side.

    Raises:
        RecipeError: a setting cannot be read.
    """
    from ..ablation import Design, Settings

    common: dict[str, Any] = parse_overrides(settings)
    for key, value in (("lambdas", sorted(lambdas) or None), ("steps", steps)):
        if value is not None:
            common[f"training.{key}"] = value
    return Settings(
        recipe=recipe,
        swaps=swaps,
        data=[Path(folder) for folder in data],
        pictures=Path(pictures),
        out=Path(out),
        design=Design(design),
        common=common,
        seeds=seeds,
        qualities=quality,
        start=None if start is None else Path(start),
        fresh=fresh,
        device=device,
        threads=threads,
        workers=workers,
    )


def engine_named(
    name: str, workers: int, address: str | None = None, cpus: float | None = None, gpus: float | None = None
) -> Engine:
    """What carries runs out.

    Args:
        name: of the engine, ``local`` or ``ray``.
        workers: runs side by side.
        address: of a Ray cluster.
        cpus: that Ray reserves for a run.
        gpus: likewise.

    Raises:
        PlicError: there is no such engine, it has no such options, or it is not installed.
    """
    from ..ablation import LocalEngine

    if name == "ray":
        from ..ablation.ray_engine import RayEngine

        return RayEngine(workers, address, cpus, gpus or 0.0)
    if name != "local":
        raise PlicError("there is no such engine", got=name, expected="local or ray", hint="leave --engine out")
    given = {"--ray-address": address, "--ray-cpus": cpus, "--ray-gpus": gpus}
    if unused := [option for option, value in given.items() if value is not None]:
        raise PlicError("an option is for Ray alone", got=", ".join(unused), hint="add --engine ray, or leave it out")
    return LocalEngine(workers)


def run_study(plan: Plan, engine: Engine, display: AblationDisplay) -> Gathered:
    """Carry out what is not finished, writing the results anew whenever a run ends.

    Raises:
        PlicError: the results cannot be written, or a package that they need is missing.
        KeyboardInterrupt: it was interrupted; what is finished stays finished, and half-trained cells have checkpoints.
    """
    from ..ablation import gather, write_study
    from ..ablation.write import check_packages

    check_packages()
    tasks = plan.unfinished()
    display.begin(len(plan.tasks), tasks)
    display.ended = lambda: write_study(gather(plan))
    engine.run(tasks, display)
    gathered = gather(plan)
    write_study(gathered)
    return gathered


@dataclass
class AblationDisplay:
    """Shows a study: lines when runs begin and end, and a bar over all of them on a terminal; else their progress too.

    Attributes:
        ended: called after each run that was finished or has failed.
    """

    ended: Callable[[], object] = lambda: None
    _bar: Bar = field(default_factory=lambda: Bar(time=False))
    _shares: dict[str, float] = field(default_factory=dict)
    _done: int = 0
    _total: int = 0

    def begin(self, total: int, tasks: Sequence[Task]) -> None:
        """There are so many runs, of which these are not finished."""
        self._total, self._done = total, total - len(tasks)
        if self._done:
            self._bar.above(f"{self._done} of {total} runs are finished already")

    def started(self, task: Task) -> None:
        """See `plic.core.ablation.Listener`."""
        self._shares[task.key] = 0.0
        self._bar.above(f"{task.name}: begins")
        self._show(task, "")

    def progressed(self, task: Task, share: float, line: str) -> None:
        """See `plic.core.ablation.Listener`."""
        self._shares[task.key] = share
        if line and not self._bar.shown:
            click.echo(f"{task.name}: {line}")
        self._show(task, line)

    def finished(self, task: Task) -> None:
        """See `plic.core.ablation.Listener`."""
        self._end(task, "finished")

    def failed(self, task: Task, error: str) -> None:
        """See `plic.core.ablation.Listener`."""
        lines = error.strip().splitlines() or ["no reason was given"]
        raised = next((at for at in range(len(lines) - 1, -1, -1) if lines[at][:1].strip()), 0)
        self._end(task, "failed\n" + "\n".join(f"    {line}" for line in lines[raised:]))
        self._bar.above(f"    the whole traceback: {task.folder / 'failure.txt'}")

    def close(self) -> None:
        """End the line of the bar."""
        self._bar.close()

    def estimating(self, label: str, done: int, total: int) -> None:
        """So many cells are timed."""
        self._bar.advance("timing", done, total)
        self._bar.relabel(f"timing {label}")
        if done == total:
            self.close()

    def _end(self, task: Task, how: str) -> None:
        self._shares.pop(task.key, None)
        self._done += 1
        self._bar.above(f"{task.name}: {how} ({self._done} of {self._total})")
        self.ended()

    def _show(self, task: Task, line: str) -> None:
        share = (self._done + sum(self._shares.values())) / max(1, self._total)
        # the bar ends when it is full, and the last run has not ended yet
        self._bar.advance("", min(PARTS - 1, round(PARTS * share)), PARTS)
        if line:
            self._bar.relabel(f"{self._done} of {self._total}, {task.name}: {line}")


def plan_lines(plan: Plan, times: Mapping[str, Estimate]) -> list[tuple[str, ...]]:
    """The cells of a study as rows of a table, with a head."""
    finished = {task.key for task in plan.tasks.values()} - {task.key for task in plan.unfinished()}
    lines: list[tuple[str, ...]] = [
        ("cell", "parameters", "MACs/pixel enc", "dec", "steps", "training", "measuring", "runs")
    ]
    for cell in plan.cells:
        facts, time = plan.facts.get(cell.label), times.get(cell.label)
        done = sum(plan.tasks[cell.label, seed].key in finished for seed in plan.seeds if cell.recipe is not None)
        lines.append((cell.label, *_counted(facts), *_timed(time), f"{done} of {len(plan.seeds)} done"))
    return lines


def total_line(plan: Plan, times: Mapping[str, Estimate]) -> str:
    """How long what is not finished will take."""
    waiting = plan.unfinished()
    seconds = sum(times[task.label].total for task in waiting if task.label in times)
    workers = min(plan.settings.workers, max(1, len(waiting)))
    budget = "" if plan.cells[0].recipe is None else f", {plan.cells[0].recipe.training.steps} training steps each"
    return (
        f"{len(waiting)} of {len(plan.tasks)} runs to do{budget}: about {duration(seconds / workers)} with {workers} "
        f"worker{'' if workers == 1 else 's'}, by a short measurement of one cell after the other"
    )


def problem_lines(plan: Plan, times: Mapping[str, Estimate]) -> list[str]:
    """Why cells cannot be built or timed, and which combinations share a cell."""
    lines = [f"{cell.label}: the same as {', '.join(cell.also)}; run once" for cell in plan.cells if cell.also]
    lines += plan.notes
    for cell in plan.cells:
        if cell.failure:
            lines.append(f"{cell.label} cannot be built: {cell.failure}")
        elif cell.label in times and times[cell.label].problem:
            lines.append(f"{cell.label} cannot be timed: {times[cell.label].problem}")
    return lines


def result_lines(gathered: Gathered) -> list[tuple[str, ...]]:
    """What a study found, as rows of a table with a head."""
    from ..comparison import Metric

    lines: list[tuple[str, ...]] = [("cell", "status", *(f"{metric.heading} BD-rate" for metric in Metric))]
    for outcome in gathered.outcomes:
        found = [figure_text(gathered.difference(outcome.cell.label, metric)) for metric in Metric]
        lines.append((outcome.cell.label, outcome.status, *found))
    return lines


def figure_text(found: Figure | NoDifference) -> str:
    """A difference in a few characters; a dash where there is none."""
    from ..ablation import Figure

    if not isinstance(found, Figure):
        return "-"
    spread = "" if found.spread is None else f" +- {found.spread:.2f}"
    return f"{found.mean:+.2f} %{spread}{' (within the spread)' if found.within_spread else ''}"


def _counted(facts: Facts | None) -> tuple[str, ...]:
    if facts is None:
        return ("cannot be built", "", "", "")
    return f"{facts.parameters:,}", f"{facts.encode_macs:,.0f}", f"{facts.decode_macs:,.0f}", str(facts.steps)


def _timed(time: Estimate | None) -> tuple[str, str]:
    if time is None or time.problem:
        return "-", "-"
    return duration(time.training), duration(time.measuring)
