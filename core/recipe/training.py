"""The ``training`` section of a recipe."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]


class CropStage(BaseModel):
    """The part of a run that is trained on crops of another size.

    Attributes:
        until: share of the run at which the stage ends, in (0, 1).
        crop: side of its crops, in pixels.
        batch: crops per step; ``training.batch`` when None.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    until: Annotated[float, Field(gt=0, lt=1)]
    crop: Annotated[int, Field(gt=0)]
    batch: Annotated[int, Field(gt=0)] | None = None


class TrainingSettings(BaseModel):
    """How a recipe is trained.

    Attributes:
        lambdas: weight of the distortion in ``bpp + lambda * distortion``, increasing. One per quality level when the
            rate part has several levels, otherwise one model is trained per lambda.
        crop: side of the square training crops, in pixels.
        batch: crops per step, over all processes together.
        curriculum: stages with other crops that come before those; ``until`` grows from stage to stage.
        smallest_scale: crops are cut from photographs that are reduced by a factor drawn between this and 1, one for
            each step, its logarithm uniform.
        learning_rate: of Adam, after the warm-up.
        steps: optimiser steps.
        warmup: steps over which the learning rate rises from zero.
        decay_fraction: share of the run, at its end, over which the learning rate falls to zero.
        clip: largest norm of the gradient.
        average: the weights that are frozen in the end are an exponential moving average with this decay per step; 0
            takes the last ones. The average forgets faster at the start of a run.
        precision: of activations; bfloat16 is autocast, with float32 weights, likelihoods and distortions, and is
            float32 on processors that do not compute with it.
        seed: of every random number.
        balance: each image's loss is multiplied by ``(lambda / geometric mean of the lambdas) ** -balance``.
        data_driven_start: whether the transform starts from statistics of the training images.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    lambdas: Annotated[list[Positive], Field(min_length=1)]
    crop: Annotated[int, Field(gt=0)] = 256
    batch: Annotated[int, Field(gt=0)] = 8
    curriculum: list[CropStage] = []
    smallest_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    learning_rate: Positive = 1e-4
    steps: Annotated[int, Field(ge=0)] = 1_000_000
    warmup: Annotated[int, Field(ge=0)] = 0
    decay_fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    clip: Positive = 1.0
    average: Annotated[float, Field(ge=0, lt=1)] = 0.0
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    seed: int = 0
    balance: float = 0.0
    data_driven_start: bool = False

    @model_validator(mode="after")
    def _check_curriculum(self) -> TrainingSettings:
        ends = [stage.until for stage in self.curriculum]
        if any(later <= earlier for earlier, later in pairwise(ends)):
            raise ValueError(f"the stages of a curriculum end one after the other, not at {ends}")
        return self

    @property
    def largest_crop(self) -> int:
        """Side of the largest crops of the run, in pixels."""
        return max(self.crop, *(stage.crop for stage in self.curriculum), 0)
