"""What a reader of a study must know before believing its figures."""

from __future__ import annotations

from collections.abc import Iterator

from .gather import Gathered

NAMED = 3
"""Cells that a note names before it only counts them."""


def notes_on(gathered: Gathered) -> list[str]:
    """Sentences, the weightiest first."""
    return [
        *_unfinished(gathered),
        *_seeds(gathered),
        *_seen(gathered),
        *gathered.plan.notes,
        *_seconds(gathered),
        *_compared(gathered),
    ]


def protocol(gathered: Gathered) -> str:
    """In some sentences, how the figures came about."""
    plan = gathered.plan
    pictures = len(plan.conditions.pictures)
    photographs = sum(map(len, plan.conditions.data))
    start = "the same weights" if plan.conditions.start else "fresh weights"
    return (
        f"Every cell was trained from {start} on the same {_count(photographs, 'photograph')} in the same order, with "
        f"the same budget, under {_count(len(plan.seeds), 'seed')} "
        f"({', '.join(map(str, plan.seeds))}). Every point is the mean of bits per pixel and of PSNR (8-bit RGB) over "
        f"{_count(pictures, 'picture')}, really encoded and decoded, whole files counted, and then over the seeds. A "
        "BD-rate is that of a cell against the base under the same seed (PCHIP through all points of both curves, over "
        "the qualities that both reach); what is shown is the mean over the seeds, and its spread: the sample standard "
        "deviation of these differences. A mean that is smaller than its spread is within the spread: the study "
        "does not tell it from zero."
    )


def _unfinished(gathered: Gathered) -> Iterator[str]:
    waiting = [one.cell.label for one in gathered.outcomes if one.status == "waiting"]
    broken = [one.cell.label for one in gathered.outcomes if one.errors]
    impossible = [one.cell.label for one in gathered.outcomes if one.cell.recipe is None]
    if not gathered.outcomes[0].runs:
        yield "The base is not measured, so there is nothing to compare with."
    if waiting:
        yield f"Not measured yet: {_listed(waiting)}. The same command goes on."
    if broken:
        yield f"Failed, with tracebacks below: {_listed(broken)}. The same command tries them again."
    if impossible:
        yield f"Cannot be built: {_listed(impossible)}. The reasons are below."


def _seeds(gathered: Gathered) -> Iterator[str]:
    if len(gathered.plan.seeds) == 1:
        yield (
            "One seed only: how much a figure changes from one training to the next is not known, and small "
            "differences mean nothing. Give --seed several times."
        )
    elif len(gathered.plan.seeds) == 2:
        yield "Two seeds only: the spread is itself a rough guess."


def _seen(gathered: Gathered) -> Iterator[str]:
    settings = gathered.plan.settings
    if settings.pictures.resolve() in [folder.resolve() for folder in settings.data]:
        yield (
            "Cells are measured on photographs that they were trained on, which flatters those that learn them by "
            "heart. Name others with --pictures."
        )


def _seconds(gathered: Gathered) -> Iterator[str]:
    if any(run.workers > 1 for one in gathered.outcomes for run in one.runs.values()):
        yield "Several runs were carried out side by side, so seconds of encoding and decoding mean little."


def _compared(gathered: Gathered) -> Iterator[str]:
    if gathered.comparison is not None:
        yield from gathered.comparison.notes


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _listed(labels: list[str]) -> str:
    """Their names, or how many there are."""
    return "; ".join(labels) if len(labels) <= NAMED else f"{len(labels)} cells"
