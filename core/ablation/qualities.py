"""Qualities of a cell: levels of one model, or models of one level each, seen as one row of numbers."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import PlicError
from ..evaluation import Evaluation, QualityResult
from ..recipe import Recipe
from ..registry import default_registry
from ..slots import Rate


def rate_of(recipe: Recipe) -> Rate:
    """The rate part of a recipe, for a latent of one channel: how many qualities there are does not depend on that."""
    part: Rate = default_registry().part("rate", recipe.rate.id)(1, **recipe.rate.settings)
    return part


def models_of(recipe: Recipe) -> int:
    """How many models training gives: one, or one for each lambda."""
    return 1 if rate_of(recipe).levels > 1 else len(recipe.training.lambdas)


def places(recipe: Recipe, qualities: Sequence[float]) -> dict[int, list[float]]:
    """Which levels of which model are measured.

    Args:
        recipe: of the cell.
        qualities: wanted; all where it is empty. Of models of one level each, quality 2 is the third.

    Returns:
        Levels by the index of the model; an empty list stands for all.

    Raises:
        PlicError: there is no such quality.
    """
    models, rate = models_of(recipe), rate_of(recipe)
    if not qualities:
        return {index: [] for index in range(models)}
    highest = len(recipe.training.lambdas) - 1 if rate.levels == 1 else rate.levels - 1
    for quality in qualities:
        whole = quality == int(quality)
        if not 0 <= quality <= highest or not (whole or (rate.levels > 1 and rate.interpolates)):
            raise PlicError(
                "the cell has no such quality",
                got=f"--quality {quality:g}",
                expected=f"{'a number' if rate.levels > 1 and rate.interpolates else 'a whole number'} 0 to {highest}",
                hint="there is one quality for each lambda, and points between them only where one model has several",
            )
    if rate.levels > 1:
        return {0: list(qualities)}
    return {int(quality): [0] for quality in qualities}


def joined(evaluations: Sequence[Evaluation], chosen: Sequence[float]) -> Evaluation:
    """Several models as one with several qualities, numbered by their lambdas.

    Args:
        evaluations: at least one; of one model, or of models of one quality each.
        chosen: qualities that were measured; all where it is empty.
    """
    first = evaluations[0]
    if len(evaluations) == 1 and len(first.qualities) != 1:
        return first
    numbers = chosen or range(len(evaluations))
    results = [one.qualities[0] for one in evaluations]
    renumbered = [
        QualityResult(quality=number, mean=one.mean, images=one.images)
        for number, one in zip(numbers, results, strict=True)
    ]
    return first.model_copy(update={"qualities": tuple(renumbered)})
