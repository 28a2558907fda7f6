"""What each swap does by itself.

One at a time, the differences from the base are the effects. In a full grid, the cells of a value are averaged over all
values of the other swaps. In a drop-one study, the cell without a swap is compared with the cell that has all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from statistics import fmean

from ..comparison import Metric, NoDifference
from .design import Design, Variant
from .gather import Figure, Gathered
from .swaps import Swap

_Found = Figure | NoDifference


@dataclass(frozen=True)
class Effect:
    """Of one value of a swap, or of its absence.

    Attributes:
        target: of the swap.
        level: the value.
        rates: BD-rate in percent by metric; against what, says `EffectTable.caption`.
        steps: in a full grid, how far that is from the mean of the swap's first value, in percent points.
        cells: that were averaged.
        of: that the grid has.
    """

    target: str
    level: str
    rates: Mapping[Metric, _Found]
    steps: Mapping[Metric, _Found]
    cells: int = 1
    of: int = 1


@dataclass(frozen=True)
class EffectTable:
    """The effects of a study.

    Attributes:
        caption: what the figures are, as a sentence.
        effects: swap by swap, value by value.
        grid: whether they are means over a grid.
    """

    caption: str
    effects: tuple[Effect, ...]
    grid: bool = False

    @property
    def groups(self) -> list[tuple[str, list[Effect]]]:
        """The effects by swap, in the order given."""
        return [(target, list(group)) for target, group in groupby(self.effects, key=attrgetter("target"))]


def effects(gathered: Gathered) -> EffectTable:
    """The effects of a study, as far as it is measured."""
    plan = gathered.plan
    if plan.settings.design is Design.FULL:
        caption = (
            "Mean BD-rate against the base over all cells of a value, and how far that is from the mean of the swap's "
            "first value, in percent points. Only those combinations of the other swaps count where every value of "
            "this one was measured."
        )
        return EffectTable(caption, tuple(_full(gathered)), grid=True)
    if plan.settings.design is Design.DROP_ONE:
        caption = "BD-rate of all swaps but one against all swaps: what setting one back to the base costs."
        return EffectTable(caption, tuple(_dropped(gathered)))
    caption = "BD-rate of the base with one change against the base."
    return EffectTable(caption, tuple(_single(gathered)))


def _single(gathered: Gathered) -> Iterator[Effect]:
    for swap in gathered.plan.swaps:
        for level in swap.levels:
            label = f"{swap.target}={level.text}"
            yield Effect(swap.target, level.text, {metric: gathered.difference(label, metric) for metric in Metric}, {})


def _dropped(gathered: Gathered) -> Iterator[Effect]:
    for variant in _variants(gathered):
        if variant.dropped is not None:
            rates = {metric: gathered.difference(variant.label, metric, "all swaps") for metric in Metric}
            yield Effect(variant.dropped, "set back to the base", rates, {})


def _full(gathered: Gathered) -> Iterator[Effect]:
    for swap in gathered.plan.swaps:
        found = {metric: _balanced(gathered, swap, metric) for metric in Metric}
        for level in swap.levels:
            yield Effect(
                swap.target,
                level.text,
                {metric: _mean(one, level.text, None) for metric, one in found.items()},
                {metric: _mean(one, level.text, swap.levels[0].text) for metric, one in found.items()},
                len(found[Metric.PSNR].groups),
                found[Metric.PSNR].all_groups,
            )


@dataclass(frozen=True)
class _Balanced:
    """BD-rates of a grid where every value of a swap was measured, by group, value and seed.

    A group is a combination of the other swaps' values.
    """

    groups: Mapping[tuple[str, ...], Mapping[tuple[str, int], float]]
    seeds: tuple[int, ...]
    levels: frozenset[str]
    all_groups: int


def _balanced(gathered: Gathered, swap: Swap, metric: Metric) -> _Balanced:
    groups: dict[tuple[str, ...], dict[tuple[str, int], float]] = {}
    for variant in _variants(gathered):
        if swap.target not in variant.levels:
            continue  # the base, which is no cell of the grid by itself
        others = tuple(level.text for target, level in variant.levels.items() if target != swap.target)
        group = groups.setdefault(others, {})
        for seed in gathered.plan.seeds:
            rate = gathered.rate(gathered.outcome(variant.label), gathered.outcomes[0], seed, metric)
            if isinstance(rate, float):
                group[variant.levels[swap.target].text, seed] = rate
    levels = frozenset(key[0] for one in groups.values() for key in one)
    complete = {
        seed: {others for others, group in groups.items() if levels and all((level, seed) in group for level in levels)}
        for seed in gathered.plan.seeds
    }
    seeds, shared = _widest(complete)
    return _Balanced({others: groups[others] for others in shared}, seeds, levels, len(groups))


def _widest(complete: Mapping[int, set[tuple[str, ...]]]) -> tuple[tuple[int, ...], list[tuple[str, ...]]]:
    """Seeds, and the groups that are complete under all of them; a seed that leaves no group is left out."""
    seeds: list[int] = []
    shared: set[tuple[str, ...]] = set()
    for seed in sorted(complete, key=lambda one: -len(complete[one])):
        both = complete[seed] & shared if seeds else complete[seed]
        if both:
            seeds, shared = [*seeds, seed], both
    return tuple(seeds), sorted(shared)


def _mean(found: _Balanced, level: str, against: str | None) -> _Found:
    """Over the groups, seed by seed."""
    if not found.groups or level not in found.levels or (against is not None and against not in found.levels):
        return NoDifference("not measured, or not beside the other values")
    if level == against:
        return NoDifference("the first value")

    def rates(seed: int) -> Sequence[float]:
        groups = found.groups.values()
        return [one[level, seed] - (0.0 if against is None else one[against, seed]) for one in groups]

    return Figure.of([fmean(rates(seed)) for seed in found.seeds])


def _variants(gathered: Gathered) -> Iterator[Variant]:
    for outcome in gathered.outcomes:
        yield from outcome.cell.variants
