"""What changes in the course of a run: learning rate and crops, as functions of the step and the share that is done."""

from __future__ import annotations

import math

from ..recipe import TrainingSettings


def learning_rate(settings: TrainingSettings, step: int, share: float) -> float:
    """Linear warm-up, then flat, then a cosine to zero over the last part of the run.

    Args:
        settings: of the recipe.
        step: number of the step, from 0.
        share: of the run that is done, 0 to 1.
    """
    warm = min(1.0, (step + 1) / settings.warmup) if settings.warmup else 1.0
    if settings.decay_fraction == 0:
        return settings.learning_rate * warm
    into_decay = (share - (1 - settings.decay_fraction)) / settings.decay_fraction
    return settings.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, into_decay))))


def crops(settings: TrainingSettings, share: float) -> tuple[int, int]:
    """Side of the crops in pixels, and crops per step."""
    for stage in settings.curriculum:
        if share < stage.until:
            return stage.crop, stage.batch or settings.batch
    return settings.crop, settings.batch
