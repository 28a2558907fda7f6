"""Parts are interchangeable: every head, quantizer, schedule and context that fit are lossless."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from lossless import Latents, assert_lossless
from small import SMALL, small_frozen

import plic
from plic.core.container import SectionKind, unpack
from plic.core.errors import IncompatibleParts
from plic.core.frozen import FrozenCodec

HEADS = ["gaussian", "laplacian", "logistic", "gmm", "laplacian-mixture", "logistic-mixture", "gllmm"]
ONE_MEAN = ["gaussian", "laplacian", "logistic"]
CONTEXT_OF = {
    "one-step": "side-only",
    "raster": "masked-conv",
    "checkerboard": "checkerboard-conv",
    "msp": "mixture-cnn",
}
CONTEXTS: Mapping[str, Mapping[str, Any]] = {
    "side-only": {"fusion": [24]},
    "masked-conv": {"features": 16, "fusion": [16]},
    "checkerboard-conv": {"features": 16, "fusion": [16]},
    "mixture-cnn": {"filters": 8, "blocks": 1},
}


@pytest.fixture
def latents(monkeypatch: pytest.MonkeyPatch) -> Latents:
    return Latents(monkeypatch)


def chain(schedule: str, context: str) -> dict[str, Any]:
    """Settings that put a small context and its schedule into a recipe."""
    return {"schedule.use": schedule, "context": {"use": context, **CONTEXTS[context]}}


def codec_with(settings: Mapping[str, Any]) -> FrozenCodec:
    """A frozen codec made of the small house transform and other parts."""
    kept = {key: value for key, value in SMALL["house"].items() if not key.startswith("context.")}
    if "side_information" in settings:
        kept = {key: value for key, value in kept.items() if not key.startswith("side_information.")}
    torch.manual_seed(1)
    return plic.build("house", {**kept, **settings}).eval().freeze()


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("recipe", ["house", "fu2021"])
def test_every_head(recipe: str, head: str, latents: Latents) -> None:
    assert_lossless(small_frozen(recipe, head__use=head), latents)


@pytest.mark.parametrize("head", [*HEADS, "factorized"])
@pytest.mark.parametrize("quantizer", ["integer", "mean-centred", "median"])
def test_every_quantizer(quantizer: str, head: str, latents: Latents) -> None:
    legal = {"integer": [*HEADS, "factorized"], "mean-centred": ONE_MEAN, "median": ["factorized"]}[quantizer]
    parts = {**chain("one-step", "side-only"), "head": {"use": head}, "quantizer.use": quantizer}
    if head == "factorized":  # has nothing to predict
        parts["context"] = {"use": "side-only"}
    if head in legal:
        assert_lossless(codec_with(parts), latents)
        return
    with pytest.raises(IncompatibleParts, match=f"quantizer '{quantizer}' does not fit head '{head}'"):
        codec_with(parts)


@pytest.mark.parametrize("quantizer", ["integer", "median"])
def test_nothing_but_a_learned_density(quantizer: str, latents: Latents) -> None:
    parts = {"schedule.use": "one-step", "context": {"use": "side-only"}, "head": {"use": "factorized"}}
    coded = assert_lossless(codec_with({**parts, "quantizer.use": quantizer, "side_information": None}), latents)
    assert [section.kind for section in unpack(coded.data).sections] == [SectionKind.LATENT]


@pytest.mark.parametrize("schedule", ["one-step", "raster", "checkerboard"])
def test_a_head_without_parameters_leaves_fusion_layers_nothing_to_predict(schedule: str) -> None:
    parts = chain(schedule, CONTEXT_OF[schedule])
    with pytest.raises(IncompatibleParts, match="has nothing to predict"):
        codec_with({**parts, "head": {"use": "factorized"}})


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("schedule", CONTEXT_OF)
def test_every_schedule_with_every_context(schedule: str, context: str, latents: Latents) -> None:
    parts = chain(schedule, context)
    if CONTEXT_OF[schedule] == context:
        assert_lossless(codec_with(parts), latents)
        return
    with pytest.raises(IncompatibleParts, match=f"context '{context}' cannot be computed along schedule '{schedule}'"):
        codec_with(parts)


@pytest.mark.parametrize(
    "settings",
    [
        {"schedule.execution": "serial", "quantizer.use": "mean-centred", **chain("raster", "masked-conv")},
        {"context.kernel": 3, **chain("raster", "masked-conv")},
        {"side_information": None, **chain("raster", "masked-conv")},
        {"side_information": None, **chain("checkerboard", "checkerboard-conv")},
        {"quantizer.use": "mean-centred", **chain("checkerboard", "checkerboard-conv")},
        {"schedule.scales": 1, **chain("msp", "mixture-cnn")},
        {"schedule.seeds": 2, "schedule.block": [4, 2], **chain("msp", "mixture-cnn")},
        {"quantizer.use": "mean-centred", **chain("msp", "mixture-cnn")},
    ],
    ids=lambda settings: next(iter(settings)) + "-" + settings["schedule.use"],
)
def test_settings_of_schedules_and_contexts(settings: Mapping[str, Any], latents: Latents) -> None:
    assert_lossless(codec_with(settings), latents)
