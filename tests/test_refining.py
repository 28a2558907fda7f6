"""Refining: never worse, decodable by anyone, and judged by what the file and the picture will really be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage
import torch
from click.testing import CliRunner, Result
from PIL import Image
from small import RECIPES, photograph, small_codec, small_frozen
from torch import Tensor

import plic
from plic.cli import main
from plic.core import tiling
from plic.core.container import SectionKind, unpack
from plic.core.errors import PlicError, UnknownName
from plic.core.frozen import FrozenCodec
from plic.core.image import read_picture
from plic.core.refining import Budget, Lagrangian, Progress, Refinement, encode_refined, multiplier_of
from plic.core.refining.encode import distortion_of
from plic.core.registry import default_registry
from plic.core.slots import Assessment, Cost, Latents, LatentShape, Objective, Refiner
from plic.plugins.refiner.lof import LatentOverfitting

LAMBDA = 0.02
MEAN_CENTRED: Mapping[str, Mapping[str, Any]] = {
    "minnen2018": {"quantizer__use": "mean-centred"},
    "he2021": {"quantizer__use": "mean-centred", "head__use": "gaussian"},
    "zhang2022-baseline": {"quantizer__use": "mean-centred"},
}
COMPOSITIONS: list[tuple[str, Mapping[str, Any]]] = [(recipe, {}) for recipe in RECIPES] + list(MEAN_CENTRED.items())
BYTES_BESIDE_SYMBOLS = 12
"""Windows of symbols, and what a range coder adds to the bits of its symbols, for two latents."""


def refined(codec: FrozenCodec, image: Image.Image, **options: Any) -> tuple[Refinement, list[Progress]]:
    log: list[Progress] = []
    options = {"multiplier": LAMBDA, "budget": Budget(4), **options}
    return encode_refined(codec, image, options.pop("refiner", "lof"), report=log.append, **options), log


def sections_of(data: bytes) -> int:
    kinds = (SectionKind.SIDE, SectionKind.LATENT)
    return sum(len(section.payload) for section in unpack(data).sections if section.kind in kinds)


class ToyObjective(Objective):
    """Squared distance of rounded latents to a target, which lies near the middle between two symbols."""

    def __init__(self, iterations: int = 1000) -> None:
        self.target = torch.tensor([0.3, -2.4, 5.45, 0.0]).view(1, 4, 1, 1)
        self.iterations = iterations
        self.costs: list[float] = []

    @property
    def exhausted(self) -> bool:
        return len(self.costs) > self.iterations

    def assess(self, latents: Latents) -> Assessment:
        rounded = torch.round(latents.y.detach())
        loss = (latents.y + (rounded - latents.y).detach() - self.target).square().sum()
        self.costs.append(float(loss.detach()))
        return Assessment(Cost(0.0, self.costs[-1], self.costs[-1]), Latents(rounded, None), loss)


class Fixed(Refiner):
    """Does as it is told."""

    def __init__(self, change: float | BaseException) -> None:
        self.change = change

    def refine(self, start: Latents, objective: Objective) -> Latents:
        objective.assess(start)
        if isinstance(self.change, BaseException):
            raise self.change
        return Latents(start.y + self.change, start.z)


# --- any recipe -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("recipe", "changes"), COMPOSITIONS, ids=lambda value: value if isinstance(value, str) else "")
def test_any_recipe_is_refined_and_its_cost_is_the_real_one(recipe: str, changes: Mapping[str, Any]) -> None:
    codec = small_frozen(recipe, **changes)
    image = photograph(50, 40)
    fingerprint = codec.networks.fingerprint("")
    result, log = refined(codec, image, budget=Budget(2))
    plain = codec.encode(image)
    pixels = 50 * 40
    assert result.after.total <= result.before.total
    assert log[0].cost.distortion == pytest.approx(result.before.distortion, rel=1e-3)
    assert log[0].cost.bits_per_pixel * pixels / 8 == pytest.approx(sections_of(plain), abs=BYTES_BESIDE_SYMBOLS)
    assert codec.networks.fingerprint("") == fingerprint
    if result.data != plain:
        best = min(log, key=lambda line: line.cost.total).cost
        assert best.distortion == pytest.approx(result.after.distortion, rel=1e-3)
        assert best.bits_per_pixel * pixels / 8 == pytest.approx(sections_of(result.data), abs=BYTES_BESIDE_SYMBOLS)
    decoded = codec.decode_picture(result.data)
    error = np.mean(np.square(np.asarray(image).astype(float) - decoded.pixels))
    assert 8 * len(result.data) / pixels + LAMBDA * error == pytest.approx(result.after.total, rel=1e-5)


@pytest.mark.parametrize(("recipe", "changes"), COMPOSITIONS, ids=lambda value: value if isinstance(value, str) else "")
def test_gradients_change_no_bit_of_the_parameters(recipe: str, changes: Mapping[str, Any]) -> None:
    codec = small_frozen(recipe, **changes)
    part, model = codec.networks.side_information, codec.entropy_model.y
    channels = codec.networks.transform.latent_channels
    values = torch.randint(-6, 7, (1, channels, 7, 6), generator=torch.Generator().manual_seed(1)).double()
    z = None if part is None else torch.randint(-3, 4, (1, part.channels, 2, 2)).double()

    def parameters(gradients: bool) -> Tensor:
        leaf = values.clone().requires_grad_(gradients)
        side = None if part is None or z is None else part.synthesis(z.clone().requires_grad_(gradients), 7, 6)
        result = model.context.teacher_forced(leaf, side).parameters
        if gradients and model.takes_parameters:
            assert result.requires_grad
            result.sum().backward()  # type: ignore[no-untyped-call]
        return result.detach()

    assert torch.equal(parameters(True), parameters(False))
    steps = model.steps(LatentShape(channels, 7, 6))
    assert sum(step.size for step in steps) == values.numel()


def test_the_shipped_weights_gain_and_plain_decoders_agree() -> None:
    codec = plic.load("house")
    with Image.open(Path(skimage.__file__).parent / "data" / "coffee.png") as image:
        picture = image.convert("RGB").crop((200, 100, 328, 228))
    result, log = refined(codec, picture, quality=4, multiplier=None, budget=Budget(8))
    assert result.after.total < 0.98 * result.before.total
    assert [line.iteration for line in log] == list(range(9))
    assert plic.load("house").decode(result.data).size == picture.size


# --- never worse ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [3.0, -40.0, 1e4])
def test_a_refiner_can_do_no_harm(change: float) -> None:
    codec = small_frozen("house")
    image = photograph(60, 40)
    result, _ = refined(codec, image, refiner=Fixed(change), quality=2)
    assert result.data == codec.encode(image, quality=2)
    assert result.after == result.before


@pytest.mark.parametrize("seed", range(6))
def test_never_worse_whatever_the_settings(seed: int) -> None:
    random = np.random.default_rng(seed)
    codec = small_frozen(RECIPES[seed % len(RECIPES)])
    refiner = LatentOverfitting(
        learning_rate=float(10 ** random.uniform(-2, 1)),
        patience=int(random.integers(1, 4)),
        side_rate=float(random.choice([0.0, 1.0])),
        pull=float(random.choice([0.0, 1.0, 3.0])),
    )
    width, height = (int(side) for side in random.integers(1, 60, 2))
    multiplier = float(10 ** random.uniform(-4, 0))
    result, log = refined(codec, photograph(width, height, seed), refiner=refiner, multiplier=multiplier)
    assert result.after.total <= result.before.total
    assert math.isfinite(result.after.total)
    assert log[-1].best <= log[0].cost.total


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_any_mode_of_picture(mode: str) -> None:
    codec = small_frozen("house")
    image = photograph(41, 30).convert(mode)
    result, log = refined(codec, image, quality=3)
    decoded = codec.decode_picture(result.data)
    assert decoded.grey == (mode == "L")
    original = read_picture(image)
    if original.alpha is not None:
        assert decoded.alpha is not None
        assert np.array_equal(decoded.alpha, original.alpha)
    assert log[0].cost.distortion == pytest.approx(result.before.distortion, rel=1e-3)


def test_pixels_of_the_padding_do_not_count() -> None:
    codec = small_frozen("house")
    objective = Lagrangian(codec, read_picture(photograph(17, 33)), 0, LAMBDA, distortion_of(codec), 24, Budget())
    latents = codec.analyse([read_picture(photograph(17, 33))], quality=0)
    y = latents.y.clone().requires_grad_()
    assessment = objective.assess(Latents(y, None if latents.z is None else latents.z.clone()))
    decoded = codec.decode_picture(codec.encode(photograph(17, 33), quality=0))
    error = np.mean(np.square(np.asarray(photograph(17, 33)).astype(float) - decoded.pixels))
    assert assessment.cost.distortion == pytest.approx(error, rel=1e-5)


# --- the search -----------------------------------------------------------------------------------------------------


def test_the_search_finds_the_best_symbols() -> None:
    start = Latents(torch.tensor([0.6, -2.6, 4.4, 1.2]).view(1, 4, 1, 1), None)
    best = LatentOverfitting(learning_rate=0.2, pull=0.0).refine(start, ToyObjective())
    assert torch.round(best.y).flatten().tolist() == [0, -2, 5, 0]


def test_the_start_itself_comes_back_when_nothing_is_better() -> None:
    start = Latents(torch.tensor([0.0, -2.0, 5.0, 0.0]).view(1, 4, 1, 1), None)
    objective = ToyObjective()
    assert LatentOverfitting().refine(start, objective) is start
    assert min(objective.costs) == objective.costs[0]


def test_the_returned_latents_are_those_of_the_lowest_cost() -> None:
    start = Latents(torch.tensor([3.3, -4.6, 2.4, 7.2]).view(1, 4, 1, 1), None)
    objective = ToyObjective()
    best = LatentOverfitting(learning_rate=1.0, tolerance=0.0).refine(start, objective)
    assert objective.assess(best).cost.total == min(objective.costs)


@pytest.mark.parametrize("iterations", [0, 1, 7])
def test_the_budget_of_iterations_is_kept(iterations: int) -> None:
    objective = ToyObjective(iterations)
    LatentOverfitting().refine(Latents(torch.full((1, 4, 1, 1), 9.0), None), objective)
    assert len(objective.costs) == iterations + 1
    _, log = refined(small_frozen("balle2017"), photograph(40, 30), budget=Budget(iterations))
    assert log[-1].iteration <= iterations
    assert log[-1].share <= 1


def test_the_budget_of_seconds_is_kept() -> None:
    codec = small_frozen("house")
    result, log = refined(codec, photograph(64, 64), quality=3, budget=Budget(None, 0.5))
    each = max(after.seconds - before.seconds for before, after in pairwise(log))
    assert result.seconds <= 0.5 + each
    result, _ = refined(codec, photograph(64, 64), quality=3, budget=Budget(None, 0.0))
    assert result.iterations == 0


def test_the_search_stops_by_itself() -> None:
    objective = ToyObjective(100_000)
    LatentOverfitting(learning_rate=0.1, patience=3).refine(Latents(torch.zeros(1, 4, 1, 1), None), objective)
    assert len(objective.costs) < 200


def test_costs_that_are_not_finite_end_nothing() -> None:
    class Broken(ToyObjective):
        def assess(self, latents: Latents) -> Assessment:
            found = super().assess(latents)
            return Assessment(Cost(0.0, math.nan, math.nan), found.rounded, found.loss * math.nan)

    start = Latents(torch.zeros(1, 4, 1, 1), None)
    assert LatentOverfitting().refine(start, Broken(20)) is start


# --- large pictures -------------------------------------------------------------------------------------------------


def test_pieces_give_the_gradient_of_the_whole() -> None:
    transform = small_frozen("house").networks.transform
    y = torch.randn(1, transform.latent_channels, 9, 11, generator=torch.Generator().manual_seed(1))
    weight = torch.randn(1, 3, 9 * 16, 11 * 16, generator=torch.Generator().manual_seed(2))
    leaf = y.clone().requires_grad_()
    pieces, whole = (
        torch.autograd.grad((tiling.synthesis(transform, leaf, tile) * weight).sum(), leaf)[0] for tile in (3, 100)
    )
    assert torch.allclose(pieces, whole, rtol=1e-3, atol=1e-4 * float(whole.abs().max()))


# --- lambda ---------------------------------------------------------------------------------------------------------


def test_lambda_comes_from_the_recipe_or_must_be_given() -> None:
    house = small_frozen("house")
    assert multiplier_of(house, 3) == house.recipe.training.lambdas[3]
    fixed = small_frozen("balle2018")
    with pytest.raises(PlicError, match=r"do not say which lambda[\s\S]*--lambda X"):
        encode_refined(fixed, photograph(20, 20), "lof")
    assert multiplier_of(small_codec("balle2018", training__lambdas=[0.3]).eval().freeze(), 0) == 0.3


# --- the slot and the command line ----------------------------------------------------------------------------------


def test_the_slot_is_registered_and_no_recipe_fills_it() -> None:
    assert "lof" in default_registry().ids("refiner")
    assert default_registry().part("refiner", "lof") is LatentOverfitting
    assert "refiner" not in small_frozen("house").recipe.resolved()
    with pytest.raises(UnknownName, match="lof"):
        encode_refined(small_frozen("house"), photograph(20, 20), "lob")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    small_frozen("house").save(path)
    return str(path)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    photograph(50, 40).save("a.png")
    photograph(50, 40, 1).save("b.png")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_encode_with_refining(here: Path, weights: str) -> None:
    result = run(
        "encode", "a.png", "b.png", "-o", "out/", "--model", weights, "--refine", "lof", "--refine-iterations", "3"
    )
    assert result.exit_code == 0, result.stderr
    lines = result.stderr.splitlines()
    assert [line.split(" -> ")[0] for line in lines] == ["a.png", "b.png"]
    assert all("cost " in line and "in 3 iterations" in line for line in lines)
    assert run("decode", "out/a.plic", "-o", "a2.png", "--model", weights).exit_code == 0
    assert Image.open("a2.png").size == (50, 40)


def test_a_larger_lambda_gives_a_better_picture(here: Path, weights: str) -> None:
    sizes = []
    for multiplier in ("0.0001", "1.0"):
        options = ("--refine", "lof", "--refine-iterations", "12", "--lambda", multiplier)
        assert run("encode", "a.png", "-o", "a.plic", "-f", "--model", weights, *options).exit_code == 0
        sizes.append(Path("a.plic").stat().st_size)
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("option", [("--refine-iterations", "3"), ("--refine-seconds", "1"), ("--lambda", "0.1")])
def test_options_of_refining_need_a_refiner(here: Path, option: tuple[str, str]) -> None:
    result = run("encode", "a.png", "-o", "a.plic", *option)
    assert result.exit_code == 2
    assert "--refine lof" in result.stderr


def test_an_interrupted_search_leaves_no_file(here: Path, weights: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: LatentOverfitting, start: Latents, objective: Objective) -> Latents:
        raise KeyboardInterrupt

    monkeypatch.setattr(LatentOverfitting, "refine", interrupted)
    result = run("encode", "a.png", "-o", "a.plic", "--model", weights, "--refine", "lof")
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr
    assert sorted(path.name for path in here.iterdir()) == ["a.png", "b.png"]
