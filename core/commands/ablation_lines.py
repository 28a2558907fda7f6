"""What ``plic ablate`` prints of a study before it and after it: rows and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .training import duration

if TYPE_CHECKING:
    from ..ablation import Estimate, Facts, Figure, Gathered, Plan
    from ..comparison import NoDifference


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


def reason_lines(gathered: Gathered) -> list[str]:
    """Why cells could not be built, or were measured and have no difference from the base."""
    from ..ablation import Figure
    from ..comparison import Metric

    lines = []
    for outcome in gathered.outcomes:
        if outcome.cell.failure:
            lines.append(f"{outcome.cell.label} cannot be built: {outcome.cell.failure}")
        if outcome.cell.label == gathered.outcomes[0].cell.label or outcome.status != "finished":
            continue
        for metric in Metric:
            found = gathered.difference(outcome.cell.label, metric)
            if not isinstance(found, Figure):
                lines.append(f"{outcome.cell.label}, {metric.heading}: {found.reason}")
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
