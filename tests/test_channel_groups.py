"""Systems that code channel groups one after another: what each group sees, and latent residual prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from lossless import Latents, assert_lossless
from small import photograph, small_codec, small_frozen
from torch import Tensor

import plic
from plic.core import tiling
from plic.core.image import read_picture, to_tensor
from plic.core.probability import SCALE_LEVELS
from plic.core.slots import LatentShape
from plic.plugins.context.grouped import GroupedConvContext, GroupNetwork
from plic.plugins.head.scales import ScaleParameter

RASTER, CHECKERBOARD, SLICES = "ma2021", "elic2022", "minnen2020"


@pytest.fixture
def latents(monkeypatch: pytest.MonkeyPatch) -> Latents:
    return Latents(monkeypatch)


def inputs(recipe: str, height: int = 9, width: int = 10) -> tuple[Tensor, Tensor]:
    """A latent and side features, on the exact grid."""
    generator = torch.Generator().manual_seed(3)
    networks = small_frozen(recipe).networks
    assert networks.side_information is not None
    shape = (1, networks.side_information.features, height, width)
    side = torch.randint(-(2**12), 2**12, shape, generator=generator).double() / 2**12
    shape = (1, networks.transform.latent_channels, height, width)
    return torch.randint(-9, 10, shape, generator=generator).double(), side


def seen(recipe: str, group: int, site: tuple[int, int], of: int) -> set[tuple[int, int]]:
    """Sites whose elements of group ``of`` matter to the parameters of ``group`` at ``site``."""
    frozen = small_frozen(recipe)
    context, groups = frozen.networks.context, frozen.schedule.groups(frozen.networks.transform.latent_channels)
    values, side = inputs(recipe)
    own = (slice(None), slice(None), slice(*groups[group]), *site)
    before = context.parameters_all(values, side)[own]
    sites = list(np.ndindex(*values.shape[2:]))
    changed = values.repeat(len(sites), 1, 1, 1)
    for index, (row, column) in enumerate(sites):
        changed[index, slice(*groups[of]), row, column] += 77
    after = context.parameters_all(changed, side.expand(len(sites), -1, -1, -1))[own]
    matters = (after != before).flatten(1).any(1).tolist()
    return {(i - site[0], j - site[1]) for (i, j), yes in zip(sites, matters, strict=True) if yes}


def test_a_raster_group_sees_itself_causally_and_earlier_groups_all_around() -> None:
    causal = {(i, j) for i in (-2, -1, 0) for j in range(-2, 3) if (i, j) < (0, 0)}
    around = {(i, j) for i in range(-4, 5) for j in range(-4, 5)}  # two 5x5 convolutions
    assert seen(RASTER, 1, (4, 5), of=1) == causal
    assert causal < seen(RASTER, 1, (4, 5), of=0) <= around
    assert {i for i, _ in seen(RASTER, 1, (4, 5), of=0)} == set(range(-4, 5))
    assert seen(RASTER, 1, (4, 5), of=2) == set()


def test_anchors_see_earlier_groups_only_and_others_the_anchors_around() -> None:
    neighbours = {(i, j) for i in range(-2, 3) for j in range(-2, 3) if (i + j) % 2}
    assert seen(CHECKERBOARD, 2, (4, 4), of=2) == set()
    assert seen(CHECKERBOARD, 2, (4, 5), of=2) == neighbours
    for site in ((4, 4), (4, 5)):
        assert {(0, 0), (0, 1), (1, 1)} <= seen(CHECKERBOARD, 2, site, of=1)
        assert seen(CHECKERBOARD, 2, site, of=3) == set()


def test_slices_see_the_first_slices_only() -> None:
    frozen = small_frozen(SLICES)
    assert frozen.recipe.context.settings["support"] == 2
    assert len(frozen.schedule.groups(12)) == 4
    assert (0, 0) in seen(SLICES, 3, (4, 4), of=0)
    assert (2, 2) in seen(SLICES, 3, (4, 4), of=1)
    assert seen(SLICES, 3, (4, 4), of=2) == set()
    assert seen(SLICES, 2, (4, 4), of=2) == set()


@pytest.mark.parametrize("recipe", [RASTER, CHECKERBOARD])
def test_earlier_groups_are_looked_at_once(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    given = GroupNetwork.given

    def counting(self: GroupNetwork, values: Tensor, side: Tensor | None) -> Tensor:
        asked.append(self.channels)
        return given(self, values, side)

    monkeypatch.setattr(GroupNetwork, "given", counting)
    model = small_frozen(recipe).entropy_model.y
    assert isinstance(model.context, GroupedConvContext)
    values, side = inputs(recipe)
    state = model.context.start(torch.zeros_like(values), side)
    for step in model.steps(LatentShape(*values.shape[1:])):
        model.context.parameters_at(state, step)
        model.context.observe(state, step, values.flatten(1)[:, step.elements])
    assert asked == list(model.schedule.groups(values.shape[1]))


@pytest.mark.parametrize("grid", ["integer", "mean-centred"])
def test_decoder_and_encoder_agree_on_refined_values(grid: str, latents: Latents) -> None:
    assert_lossless(small_frozen(SLICES, quantizer__use=grid), latents)


@pytest.mark.parametrize("grid", ["integer", "mean-centred"])
def test_the_synthesis_sees_refined_values(grid: str, monkeypatch: pytest.MonkeyPatch, latents: Latents) -> None:
    codec = small_codec(SLICES, quantizer__use=grid)
    with torch.no_grad():
        for name, parameter in codec.context.named_parameters():
            if ".residual.4" in name:
                parameter.mul_(10)
    frozen = codec.eval().freeze()
    synthesised: list[Tensor] = []
    synthesis = tiling.synthesis

    def recording(transform: object, y_hat: Tensor, tile: int | None) -> Tensor:
        synthesised.append(y_hat)
        return synthesis(frozen.networks.transform, y_hat, tile)

    monkeypatch.setattr(tiling, "synthesis", recording)
    frozen.decode(frozen.encode(photograph(75, 50)))
    y = latents.kept[-1]
    assert torch.equal(synthesised[0], y.values.float())
    rounded = torch.from_numpy(y.symbols.reshape(y.values.shape)).double()
    residual = y.values - rounded
    if grid == "mean-centred":
        assert latents.kept[0].values.shape != y.values.shape  # z came first
        side = frozen.networks.side_information
        assert side is not None
        features = side.synthesis(latents.kept[-2].values, *y.values.shape[2:])
        residual = residual - _means(frozen, y.values, rounded, features)
    assert float(residual.abs().max()) <= 0.5
    assert float(residual.abs().mean()) > 0.01


def _means(frozen: plic.core.frozen.FrozenCodec, refined: Tensor, symbols: Tensor, side: Tensor) -> Tensor:
    """What the slices were centred on, from their refined values alone."""
    model, means = frozen.entropy_model.y, torch.zeros_like(refined)
    state = model.context.start(torch.zeros_like(refined), side)
    for step in model.steps(LatentShape(*refined.shape[1:])):
        own = slice(*step.channels)
        parameters = model.context.parameters_at(state, step)
        means[:, own] = parameters[:, 1].view_as(means[:, own])
        model.context.observe(state, step, (symbols + means).flatten(1)[:, step.elements])
    assert torch.equal(state.values, refined)
    return means


def test_an_evaluation_pass_synthesises_what_a_decoder_does() -> None:
    codec = small_codec(SLICES).eval()
    x = to_tensor(read_picture(photograph(96, 64)))
    with torch.no_grad():
        estimated = codec(x).x_hat
    frozen = codec.freeze()
    decoded = frozen.decode_picture(frozen.encode(photograph(96, 64))).pixels
    estimate = (estimated.clamp(0, 1) * 255)[0].movedim(0, -1).numpy()
    assert np.abs(estimate - decoded).mean() < 1


def test_training_passes_gradients_through_refined_values() -> None:
    codec = small_codec(SLICES).train()
    output = codec(to_tensor(read_picture(photograph(96, 64))))
    output.x_hat.square().mean().backward()
    reached = {name for name, parameter in codec.context.named_parameters() if parameter.grad is not None}
    assert {name for name, _ in codec.context.named_parameters() if ".residual." in name} <= reached


def test_indices_are_places_among_64_scales() -> None:
    scale = ScaleParameter("index", 0.11)
    indices = torch.arange(64).float()
    expected = np.geomspace(0.11, 256, 64)
    np.testing.assert_allclose(scale(indices).numpy(), expected, rtol=1e-5)
    coded = 2 ** (scale.levels(indices.double().numpy()) / 32 - 5)
    np.testing.assert_allclose(coded, expected, rtol=2 ** (0.51 / 32) - 1)
    assert scale.levels(np.array([-3.0, 0.0])).tolist() == [58, 58]
    assert scale.levels(np.array([63.0, 2047.0])).tolist() == [416, 416]


@pytest.mark.parametrize("floor", [2**-5, 0.11, 0.5])
def test_training_and_coding_agree_on_scales_of_indices(floor: float) -> None:
    scale = ScaleParameter("index", floor)
    raw = torch.arange(-(2**13), 70 * 2**12, 37).double() / 2**12
    levels = scale.levels(raw.numpy())
    assert levels.max() < SCALE_LEVELS
    np.testing.assert_allclose(2 ** (levels / 32 - 5), scale(raw).numpy(), rtol=2 ** (0.51 / 32) - 1)


def test_indices_below_zero_can_come_back() -> None:
    raw = torch.tensor([-5.0], requires_grad=True)
    would_rather_be_large = -ScaleParameter("index", 0.11)(raw).sum()
    would_rather_be_large.backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    assert float(raw.grad) < 0


def test_a_weights_file_keeps_refining(tmp_path: Path) -> None:
    original = small_frozen(SLICES)
    original.save(tmp_path / "weights.safetensors")
    loaded = plic.load(tmp_path / "weights.safetensors")
    data = original.encode(photograph(75, 50))
    assert torch.equal(loaded.decode_latents(data), original.decode_latents(data))
