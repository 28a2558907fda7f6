"""A study before anything runs: its cells, what each amounts to, and one task for each cell and seed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ..errors import PlicError
from ..evaluation.results import DECODER_STAGES, ENCODER_STAGES
from ..recipe import Recipe
from ..registry import Registry, default_registry
from ..report import report_on
from .cells import Base, Cell, cells_of, without_effect
from .design import Design, variants
from .identity import Conditions, run_key
from .qualities import places
from .records import read_result
from .swaps import Swap, parse_swaps
from .task import Task

CELLS = "cells"
_SLUG = 60
"""Longest readable part of a folder's name."""


@dataclass(frozen=True)
class Settings:
    """What a study is asked to do.

    Attributes:
        recipe: name or path.
        swaps: as `plic.core.ablation.swaps.parse_swaps` takes them.
        data: folders of photographs to train on.
        pictures: folder of pictures to evaluate on.
        out: folder for everything.
        design: how swaps are combined.
        common: overrides for all cells, budget included.
        seeds: of training; those of the recipe when empty.
        qualities: to evaluate; all when empty.
        start: weights that training begins with.
        fresh: slots that begin anew all the same.
        device: as `plic.core.training.Options.device`.
        threads: of each worker; the workers share torch's default when None.
        workers: that the engine lets work side by side.
    """

    recipe: str
    swaps: Sequence[str]
    data: Sequence[Path]
    pictures: Path
    out: Path
    design: Design = Design.ONE_AT_A_TIME
    common: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] = ()
    qualities: Sequence[float] = ()
    start: Path | None = None
    fresh: Sequence[str] = ()
    device: str = "auto"
    threads: int | None = None
    workers: int = 1


@dataclass(frozen=True)
class Facts:
    """What a cell amounts to, counted without computing anything.

    Attributes:
        parameters: trained ones, of all parts.
        encode_macs: multiply-accumulates per pixel.
        decode_macs: likewise.
        steps: of the schedule, for a picture of 768x512.
    """

    parameters: int
    encode_macs: float
    decode_macs: float
    steps: int


@dataclass(frozen=True)
class Plan:
    """A study, ready to be run.

    Attributes:
        settings: that it follows from.
        swaps: read and checked.
        cells: the base first; those that cannot be built are among them.
        facts: by the label of the cell.
        seeds: of training, in the order given.
        tasks: by label of the cell and seed.
        conditions: that the cells have in common.
        notes: sentences that a reader must know.
    """

    settings: Settings
    swaps: tuple[Swap, ...]
    cells: tuple[Cell, ...]
    facts: Mapping[str, Facts]
    seeds: tuple[int, ...]
    tasks: Mapping[tuple[str, int], Task]
    conditions: Conditions
    notes: tuple[str, ...]

    @property
    def base(self) -> Cell:
        """What the others are compared with."""
        return self.cells[0]

    def unfinished(self) -> list[Task]:
        """Tasks without a result."""
        return [task for task in self.tasks.values() if read_result(task.folder, task.key) is None]


def plan(settings: Settings, registry: Registry | None = None) -> Plan:
    """Work out what a study will do.

    Args:
        settings: what is asked.
        registry: where parts are looked up; that of the installation by default.

    Raises:
        PlicError: the recipe does not load, a swap names what does not exist, or a folder holds no pictures. Cells that
            cannot be built raise nothing.
    """
    registry = registry or default_registry()
    base = Base.load(settings.recipe, settings.common, registry)
    swaps = parse_swaps(settings.swaps, base.recipe, registry)
    conditions = Conditions.of(settings.data, settings.pictures, settings.qualities, settings.start, settings.fresh)
    combinations = variants(swaps, settings.design)
    cells = tuple(_with_qualities(cell, settings.qualities) for cell in cells_of(base, combinations, swaps, registry))
    facts = {cell.label: _facts(cell.recipe, registry) for cell in cells if cell.recipe is not None}
    seeds = tuple(dict.fromkeys(settings.seeds)) or (base.recipe.training.seed,)
    tasks = {
        (cell.label, seed): _task(settings, cell, seed, conditions)
        for seed in seeds
        for cell in cells
        if cell.recipe is not None
    }
    notes = [
        f"{variant.label}: {', '.join(missing)} of --set does not apply, the part has no such setting."
        for variant in combinations
        if (missing := without_effect(base, variant, registry))
    ]
    return Plan(settings, swaps, cells, facts, seeds, tasks, conditions, tuple(notes))


def seeded(recipe: Recipe, seed: int) -> Recipe:
    """The recipe, trained under another seed."""
    return replace(recipe, training=recipe.training.model_copy(update={"seed": seed}))


def _with_qualities(cell: Cell, qualities: Sequence[float]) -> Cell:
    if cell.recipe is None:
        return cell
    try:
        places(cell.recipe, qualities)
    except PlicError as error:
        return replace(cell, recipe=None, failure=str(error))
    return cell


def _facts(recipe: Recipe, registry: Registry) -> Facts:
    report = report_on(recipe, registry)
    encode, decode = (
        sum(macs for stage, macs in report.macs_per_pixel.items() if stage in stages)
        for stages in (ENCODER_STAGES, DECODER_STAGES)
    )
    return Facts(report.parameters, encode, decode, report.steps)


def _task(settings: Settings, cell: Cell, seed: int, conditions: Conditions) -> Task:
    if cell.recipe is None:
        raise PlicError("a cell that cannot be built has no task", got=cell.label)
    recipe = seeded(cell.recipe, seed)
    key = run_key(recipe, conditions)
    slug = re.sub(r"[^\w.+-]+", "-", cell.label).strip("-.")[:_SLUG].rstrip("-.")
    return Task(
        key=key,
        label=cell.label,
        seed=seed,
        recipe=recipe.to_yaml(),
        folder=settings.out.resolve() / CELLS / f"{slug}-seed{seed}-{key[:10]}",
        data=tuple(folder.resolve() for folder in settings.data),
        pictures=settings.pictures.resolve(),
        qualities=conditions.qualities,
        start=None if settings.start is None else settings.start.resolve(),
        fresh=conditions.fresh,
        device=settings.device,
        threads=settings.threads or max(1, torch.get_num_threads() // settings.workers),
        workers=settings.workers,
    )
