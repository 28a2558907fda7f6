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
from plic.core.errors import IncompatibleParts, RecipeError
from plic.core.frozen import FrozenCodec

HEADS = ["gaussian", "laplacian", "logistic", "gmm", "laplacian-mixture", "logistic-mixture", "gllmm"]
ONE_MEAN = ["gaussian", "laplacian", "logistic"]
CONTEXT_OF = {
    "one-step": "side-only",
    "raster": "masked-conv",
    "checkerboard": "checkerboard-conv",
    "quarters": "quarters-conv",
    "msp": "mixture-cnn",
    "two-groups-raster": "causal-global",
    "volume": "masked-conv-3d",
    "groups": "channel-slices",
    "groups-raster": "grouped-masked-conv",
    "groups-checkerboard": "grouped-checkerboard-conv",
}
CONTEXTS: Mapping[str, Mapping[str, Any]] = {
    "side-only": {"fusion": [24]},
    "masked-conv": {"features": 16, "fusion": [16]},
    "checkerboard-conv": {"features": 16, "fusion": [16]},
    "quarters-conv": {"features": 16, "fusion": [16]},
    "mixture-cnn": {"filters": 8, "blocks": 1},
    "causal-global": {"features": 16, "fusion": [16]},
    "masked-conv-3d": {"kernel": 3, "features": 4, "fusion": [8]},
    "channel-slices": {"widths": [10, 8]},
    "grouped-masked-conv": {"cross": [10], "fusion": [16]},
    "grouped-checkerboard-conv": {"cross": [10], "fusion": [16]},
}
GROUPED = ["groups", "groups-raster", "groups-checkerboard"]
"""Schedules that finish one group of channels before the next."""


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


@pytest.mark.parametrize(
    "schedule", ["one-step", "raster", "checkerboard", "volume", "groups-raster", "groups-checkerboard"]
)
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
        {"side_information": None, **chain("msp", "mixture-cnn")},
        {"quantizer.use": "mean-centred", **chain("two-groups-raster", "causal-global")},
        {"schedule.execution": "serial", **chain("two-groups-raster", "causal-global")},
        {"side_information": None, **chain("two-groups-raster", "causal-global")},
        {"schedule.groups": [1, 7, 2, 14], "context.support": 2, **chain("groups", "channel-slices")},
        {"schedule.execution": "serial", "schedule.groups": 2, **chain("groups-raster", "grouped-masked-conv")},
        {"side_information": None, **chain("groups-raster", "grouped-masked-conv")},
        {"side_information": None, **chain("groups-checkerboard", "grouped-checkerboard-conv")},
        {"quantizer.use": "mean-centred", **chain("volume", "masked-conv-3d")},
        {"schedule.execution": "serial", **chain("volume", "masked-conv-3d")},
        {"side_information": None, **chain("volume", "masked-conv-3d")},
    ],
    ids=lambda settings: next(iter(settings)) + "-" + settings["schedule.use"],
)
def test_settings_of_schedules_and_contexts(settings: Mapping[str, Any], latents: Latents) -> None:
    assert_lossless(codec_with(settings), latents)


@pytest.mark.parametrize("schedule", GROUPED)
@pytest.mark.parametrize("groups", [1, [1, 2, 16, 5]], ids=str)
@pytest.mark.parametrize("head", [{"use": "laplacian"}, {"use": "gaussian", "scale": "index"}], ids=str)
def test_groups_on_the_mean_centred_grid(schedule: str, groups: object, head: object, latents: Latents) -> None:
    settings = {**chain(schedule, CONTEXT_OF[schedule]), "schedule.groups": groups, "head": head}
    assert_lossless(codec_with({**settings, "quantizer.use": "mean-centred"}), latents)


@pytest.mark.parametrize("schedule", ["groups-raster", "groups-checkerboard"])
def test_groups_with_a_mixture(schedule: str, latents: Latents) -> None:
    assert_lossless(codec_with({"head": {"use": "gllmm"}, **chain(schedule, CONTEXT_OF[schedule])}), latents)


@pytest.mark.parametrize("head", [{"use": "gmm"}, {"use": "gaussian", "mean": False}], ids=str)
def test_slices_need_one_mean(head: object) -> None:
    with pytest.raises(IncompatibleParts, match="context 'channel-slices' predicts the mean by one network"):
        codec_with({"head": head, **chain("groups", "channel-slices")})


def test_slices_need_side_information() -> None:
    with pytest.raises(IncompatibleParts, match="has nothing to predict its first slice from"):
        codec_with({"side_information": None, **chain("groups", "channel-slices")})


@pytest.mark.parametrize("schedule", GROUPED)
def test_groups_must_be_all_channels(schedule: str) -> None:
    with pytest.raises(IncompatibleParts, match=f"schedule '{schedule}' does not fit transform 'patch'") as caught:
        codec_with({"schedule.groups": [8, 8], **chain(schedule, CONTEXT_OF[schedule])})
    assert caught.value.got == "8 + 8 = 16 channels"


@pytest.mark.parametrize(
    "settings", [{"kernel": 4}, {"kernel": 1}, {"cross_kernel": 2}, {"kernels": [5, 4, 3]}], ids=str
)
def test_kernels_of_grouped_contexts_are_centred(settings: dict[str, Any]) -> None:
    schedule = "groups" if "kernels" in settings else "groups-raster"
    parts = chain(schedule, CONTEXT_OF[schedule])
    parts["context"] = {**parts["context"], **settings}
    with pytest.raises(RecipeError, match="not centred on a site"):
        codec_with(parts)
