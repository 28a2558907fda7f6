"""The results of a study as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from typing import Any

from ..comparison import Metric, NoDifference
from ..container.stream import quality_text
from ..evaluation import Evaluation
from .effects import Effect, effects
from .gather import Figure, Gathered, Outcome
from .records import RunResult

_NAMES = {Metric.PSNR: "psnr", Metric.MS_SSIM: "ms_ssim"}
_MEASURED = (
    "lambda",
    "quality",
    "bpp",
    "estimate_bpp",
    "overhead",
    "psnr_db",
    "ms_ssim",
    "ms_ssim_db",
    "encode_seconds",
    "decode_seconds",
    "training_seconds",
)
_RATES = tuple(
    f"{name}_{column}"
    for name in _NAMES.values()
    for column in ("bd_rate_percent", "bd_rate_spread", "within_spread", "bd_rate_seeds")
)
_FACTS = ("parameters", "encode_macs_per_pixel", "decode_macs_per_pixel", "schedule_steps", "training_steps")


def csv_table(gathered: Gathered) -> str:
    """One line for each cell, seed and quality, and one more, with the seed ``mean``, for the mean over the seeds.

    BD-rates against the base stand in the lines of the mean. A cell without results has one line with its status.
    What is not known is empty.
    """
    text = io.StringIO()
    targets = [swap.target for swap in gathered.plan.swaps]
    head = ("cell", *targets, "status", "seed", *_MEASURED, *_RATES, *_FACTS, "folder")
    writer = csv.DictWriter(text, head, lineterminator="\n", restval="")
    writer.writeheader()
    for outcome in gathered.outcomes:
        for line in _lines(gathered, outcome):
            writer.writerow({key: "" if _unknown(value) else value for key, value in line.items()})
    return text.getvalue()


def json_table(gathered: Gathered) -> str:
    """Everything: the study's conditions, each cell with its runs and means, and the effects."""
    plan, found = gathered.plan, effects(gathered)
    settings = plan.settings
    data = {
        "plic_ablation": 1,
        "recipe": settings.recipe,
        "design": settings.design,
        "swaps": {swap.target: [level.text for level in swap.levels] for swap in plan.swaps},
        "common": dict(settings.common),
        "seeds": list(plan.seeds),
        "workers": settings.workers,
        "conditions": plan.conditions.as_dict(),
        "cells": [_cell(gathered, outcome) for outcome in gathered.outcomes],
        "effects": {"caption": found.caption, "of": [_effect(one) for one in found.effects]},
        "notes": [*plan.notes, *(gathered.comparison.notes if gathered.comparison else ())],
    }
    return json.dumps(_plain(data), indent=1, allow_nan=False) + "\n"


def _lines(gathered: Gathered, outcome: Outcome) -> Iterator[dict[str, Any]]:
    facts = gathered.plan.facts.get(outcome.cell.label)
    training = None if outcome.cell.recipe is None else outcome.cell.recipe.training
    common: dict[str, Any] = {"cell": outcome.cell.label, "status": outcome.status}
    common |= {target: level.text for target, level in outcome.cell.variants[0].levels.items()}
    if facts is not None and training is not None:
        values = (facts.parameters, facts.encode_macs, facts.decode_macs, facts.steps, training.steps)
        common |= dict(zip(_FACTS, values, strict=True))
    if outcome.mean is None:
        yield common
        return
    for seed, evaluation in outcome.measured.items():
        folder = gathered.plan.tasks[outcome.cell.label, seed].folder
        extra = {"seed": seed, "training_seconds": outcome.runs[seed].training_seconds}
        where = folder.relative_to(gathered.plan.settings.out.resolve()).as_posix()
        for point in _points(outcome, evaluation):
            yield common | extra | point | {"folder": where}
    rates = _rates(gathered, outcome)
    for point in _points(outcome, outcome.mean):
        yield common | {"seed": "mean"} | point | rates


def _points(outcome: Outcome, evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    for result in evaluation.qualities:
        mean = result.mean
        yield {
            "lambda": lambda_of(outcome, result.quality),
            "quality": quality_text(result.quality),
            "bpp": mean.bpp,
            "estimate_bpp": mean.estimate_bpp,
            "overhead": mean.overhead,
            "psnr_db": mean.psnr,
            "ms_ssim": mean.ms_ssim,
            "ms_ssim_db": mean.ms_ssim_db,
            "encode_seconds": mean.encode.total,
            "decode_seconds": mean.decode.total,
        }


def lambda_of(outcome: Outcome, quality: float) -> float | None:
    """That a quality was trained with; None for a point between two."""
    if outcome.cell.recipe is None or quality != int(quality):
        return None
    return outcome.cell.recipe.training.lambdas[int(quality)]


def _rates(gathered: Gathered, outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for metric, name in _NAMES.items():
        figure = gathered.difference(outcome.cell.label, metric)
        if isinstance(figure, Figure):
            found[f"{name}_bd_rate_percent"] = figure.mean
            found[f"{name}_bd_rate_spread"] = figure.spread
            found[f"{name}_within_spread"] = None if figure.spread is None else figure.within_spread
            found[f"{name}_bd_rate_seeds"] = figure.count
    return found


def _cell(gathered: Gathered, outcome: Outcome) -> dict[str, Any]:
    facts = gathered.plan.facts.get(outcome.cell.label)
    return {
        "label": outcome.cell.label,
        "also": list(outcome.cell.also),
        "choices": {target: level.text for target, level in outcome.cell.variants[0].levels.items()},
        "status": outcome.status,
        "failure": outcome.cell.failure,
        "facts": None if facts is None else vars(facts),
        "recipe": None if outcome.cell.recipe is None else outcome.cell.recipe.resolved(),
        "bd_rate": {name: _figure(gathered.difference(outcome.cell.label, metric)) for metric, name in _NAMES.items()},
        "mean": [] if outcome.mean is None else list(_points(outcome, outcome.mean)),
        "runs": [_run(outcome, seed, run) for seed, run in outcome.runs.items()],
        "errors": {str(seed): text for seed, text in outcome.errors.items()},
    }


def _run(outcome: Outcome, seed: int, run: RunResult) -> dict[str, Any]:
    return {
        "seed": seed,
        "key": run.key,
        "training_seconds": run.training_seconds,
        "workers": run.workers,
        "device": run.device,
        "fingerprints": [one.fingerprint for one in run.evaluations],
        "points": list(_points(outcome, outcome.measured[seed])),
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "swap": effect.target,
        "value": effect.level,
        "bd_rate": {_NAMES[metric]: _figure(found) for metric, found in effect.rates.items()},
        "from_first_value": {_NAMES[metric]: _figure(found) for metric, found in effect.steps.items()},
        "combinations": effect.cells,
        "of": effect.of,
    }


def _figure(found: Figure | NoDifference) -> dict[str, Any]:
    if isinstance(found, NoDifference):
        return {"reason": found.reason}
    return {
        "mean": found.mean,
        "spread": found.spread,
        "seeds": found.count,
        "within_spread": None if found.spread is None else found.within_spread,
    }


def _unknown(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> Any:
    """Without what JSON does not have: numbers that are not finite are None."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
