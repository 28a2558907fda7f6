"""The ``training`` section of a recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]


class TrainingSettings(BaseModel):
    """How a recipe is trained.

    Attributes:
        lambdas: weight of the distortion in ``bpp + lambda * distortion``, increasing. One per quality level when the
            rate part has several levels, otherwise one model is trained per lambda.
        crop: side of the square training crops, in pixels.
        batch: crops per step.
        learning_rate: of Adam, after the warm-up.
        steps: optimiser steps.
        warmup: steps over which the learning rate rises from zero.
        decay_fraction: share of the run, at its end, over which the learning rate falls to zero.
        clip: largest norm of the gradient.
        precision: of the transforms' activations.
        seed: of every random number.
        balance: each image's loss is multiplied by ``(lambda / geometric mean of the lambdas) ** -balance``.
        data_driven_start: whether the transform starts from statistics of the training images.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    lambdas: Annotated[list[Positive], Field(min_length=1)]
    crop: Annotated[int, Field(gt=0)] = 256
    batch: Annotated[int, Field(gt=0)] = 8
    learning_rate: Positive = 1e-4
    steps: Annotated[int, Field(ge=0)] = 1_000_000
    warmup: Annotated[int, Field(ge=0)] = 0
    decay_fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    clip: Positive = 1.0
    precision: Literal["float32", "bfloat16"] = "float32"
    seed: int = 0
    balance: float = 0.0
    data_driven_start: bool = False
