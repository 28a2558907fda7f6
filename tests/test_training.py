"""Training: every shipped recipe takes steps, lowers its loss, and goes on from where it stopped."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small import RECIPES, SMALL, photograph

from plic.core.errors import TrainingError
from plic.core.recipe import Recipe, load_recipe
from plic.core.training import Options, Photographs, TrainingRun, train

SETTINGS = {"training.crop": 64, "training.batch": 2, "training.learning_rate": 1e-3}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    for seed in range(4):
        photograph(160, 130, seed).save(folder / f"{seed}.png")
    return folder


def recipe_of(name: str, steps: int, **training: object) -> Recipe:
    changes = {f"training.{key}": value for key, value in {"steps": steps, "decay_fraction": 0.0, **training}.items()}
    return load_recipe(name, {**SMALL[name], **SETTINGS, **changes})


def run_of(name: str, steps: int, photographs: Path, folder: Path, **training: object) -> TrainingRun:
    recipe = recipe_of(name, steps, **training)
    model = None if name.startswith("house") else 0
    return TrainingRun(recipe, Photographs.of([photographs], recipe.training.largest_crop, CPU), folder, model)


def log_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_and_freezes(name: str, photographs: Path, tmp_path: Path) -> None:
    run = run_of(name, 2, photographs, tmp_path)
    for _ in range(2):
        run.step()
    assert torch.isfinite(torch.tensor(run.means().loss))
    frozen = run.trained().freeze()
    assert frozen.decode(frozen.encode(photograph(50, 40))).size == (50, 40)


CURVE = ("step", "loss", "bpp", "psnr", "distortion", "learning_rate", "gradient_norm")


@pytest.mark.parametrize(
    ("name", "training"),
    [
        ("house", {"average": 0.9, "data_driven_start": False, "smallest_scale": 0.6, "decay_fraction": 0.5}),
        ("balle2018", {"warmup": 5, "curriculum": [{"until": 0.5, "crop": 64, "batch": 3}]}),
    ],
)
def test_a_resumed_run_has_the_loss_curve_of_an_uninterrupted_one(
    name: str, training: dict[str, object], photographs: Path, tmp_path: Path
) -> None:
    recipe = recipe_of(name, 11, **training)
    recipe = replace(recipe, training=recipe.training.model_copy(update={"lambdas": recipe.training.lambdas[-8:]}))
    if name != "house":
        recipe = replace(recipe, training=recipe.training.model_copy(update={"lambdas": [0.01]}))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(recipe, [photographs], whole, Options(log_every=3))
    with pytest.raises(KeyboardInterrupt):
        train(recipe, [photographs], broken, Options(log_every=3, tick=interrupt_after(5 / 11)))
    assert not (broken / "weights.safetensors").exists()
    train(recipe, [photographs], broken, Options(log_every=3, resume=True))

    curves = [[[line[key] for key in CURVE] for line in log_of(folder)] for folder in (whole, broken)]
    assert [line[0] for line in curves[0]] == [3, 6, 9, 11]
    assert curves[0] == curves[1]
    assert (whole / "weights.safetensors").read_bytes() == (broken / "weights.safetensors").read_bytes()


def interrupt_after(share: float) -> Callable[[float], None]:
    """Presses Ctrl-C, once."""
    pressed: list[float] = []

    def tick(done: float) -> None:
        if done >= share and not pressed:
            pressed.append(done)
            os.kill(os.getpid(), signal.SIGINT)

    return tick


def test_the_run_says_where_its_weights_come_from(photographs: Path, tmp_path: Path) -> None:
    recipe = recipe_of("balle2018", 1, seed=7, lambdas=[0.01])
    train(recipe, [photographs], tmp_path / "run")
    train(recipe, [photographs], tmp_path / "run", Options(resume=True))
    parts = json.loads((tmp_path / "run" / "run.json").read_text())["parts"]
    assert [part["seed"] for part in parts] == [7, 7]
    assert parts[0]["photographs"] == 4
    assert {"plic", "torch", "python"} <= parts[0]["versions"].keys()
    assert load_recipe(tmp_path / "run" / "recipe.yaml") == replace(recipe, source=tmp_path / "run" / "recipe.yaml")


def test_an_earlier_run_is_not_overwritten(photographs: Path, tmp_path: Path) -> None:
    recipe = recipe_of("balle2018", 1, lambdas=[0.01])
    train(recipe, [photographs], tmp_path / "run")
    with pytest.raises(TrainingError, match="holds an earlier run"):
        train(recipe, [photographs], tmp_path / "run")


def test_a_checkpoint_of_another_recipe_is_refused(photographs: Path, tmp_path: Path) -> None:
    run_of("balle2018", 1, photographs, tmp_path).save(0.0)
    with pytest.raises(TrainingError, match="of another recipe"):
        run_of("house", 1, photographs, tmp_path).resume()


def test_weights_state_the_one_lambda_they_were_trained_with(photographs: Path, tmp_path: Path) -> None:
    recipe = recipe_of("balle2018", 0)
    assert len(recipe.training.lambdas) > 1
    train(recipe, [photographs], tmp_path)
    second = load_recipe(tmp_path / "1" / "recipe.yaml")
    assert second.training.lambdas == [recipe.training.lambdas[1]]
    assert second.fingerprint() == recipe.fingerprint()


def test_training_lowers_the_loss(photographs: Path, tmp_path: Path) -> None:
    run = run_of("balle2018", 40, photographs, tmp_path)
    losses = []
    for _ in range(4):
        for _ in range(10):
            run.step()
        losses.append(run.means().loss)
    assert losses[-1] < 0.8 * losses[0]


def test_the_average_follows_the_weights(photographs: Path, tmp_path: Path) -> None:
    run = run_of("balle2018", 10, photographs, tmp_path, average=0.5)
    before = [parameter.detach().clone() for parameter in run.codec.parameters()]
    run.step()
    run.step()
    averaged, last = run.trained(), list(run.codec.parameters())
    moved = [not torch.equal(one, two) for one, two in zip(averaged.parameters(), last, strict=True)]
    assert any(moved)
    for first, one, end in zip(before, averaged.parameters(), last, strict=True):
        # decays 1/10 and 2/11: the average is nearly there, between the start and the last weights
        assert float((one - end).detach().norm()) <= float((first - end).detach().norm()) + 1e-6


def test_crops_follow_the_curriculum(photographs: Path, tmp_path: Path) -> None:
    stages = [{"until": 0.5, "crop": 128, "batch": 1}]
    run = run_of("balle2018", 4, photographs, tmp_path, curriculum=stages)
    seen: list[tuple[int, ...]] = []
    run.codec.transform.register_forward_pre_hook(lambda *_: None)
    analysis = run.codec.transform.analysis
    run.codec.transform.analysis = lambda x: (seen.append(tuple(x.shape)), analysis(x))[1]  # type: ignore[method-assign,func-returns-value]
    for _ in range(4):
        run.step()
    assert seen == [(1, 3, 128, 128)] * 2 + [(2, 3, 64, 64)] * 2


def test_crops_that_the_codec_cannot_take_are_refused(photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be trained on such crops"):
        run_of("balle2018", 1, photographs, tmp_path, crop=60)


# --- what breaks down


def test_bad_weights_are_told_by_name(photographs: Path, tmp_path: Path) -> None:
    run = run_of("balle2018", 5, photographs, tmp_path)
    with torch.no_grad():
        next(iter(run.codec.transform.parameters())).fill_(float("nan"))
    run.step()
    with pytest.raises(TrainingError, match=r"the weight transform\.analysis_layers\.0\.weight"):
        run.means()


def test_the_first_layer_that_overflows_is_told_and_weights_stay_good(photographs: Path, tmp_path: Path) -> None:
    run = run_of("balle2018", 5, photographs, tmp_path)
    run.step()
    names = [name for name, layer in run.codec.named_modules() if isinstance(layer, torch.nn.ConvTranspose2d)]
    layer = run.codec.get_submodule(names[-1])
    before = [parameter.detach().clone() for parameter in run.codec.parameters()]
    handle = layer.register_forward_hook(lambda module, inputs, output: output * float("inf"), prepend=True)
    run.step()
    run.step()
    with pytest.raises(TrainingError, match=rf"step 1(?s:.)*the output of layer {names[-1]}"):
        run.means()
    handle.remove()
    for old, new in zip(before, run.codec.parameters(), strict=True):
        assert torch.equal(old, new)


def test_a_run_that_breaks_down_can_be_resumed(photographs: Path, tmp_path: Path) -> None:
    recipe = recipe_of("balle2018", 6, lambdas=[0.01])
    poisoned = recipe.training.model_copy(update={"lambdas": [1e38]})
    with pytest.raises(TrainingError, match="broke down at step 0"):
        train(replace(recipe, training=poisoned), [photographs], tmp_path / "run", Options(log_every=2))
    train(recipe, [photographs], tmp_path / "run", Options(log_every=2, resume=True))
    assert log_of(tmp_path / "run")[-1]["step"] == 6


def test_tensorboard_gets_the_scalars(photographs: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    recipe = recipe_of("balle2018", 2, lambdas=[0.01])
    train(recipe, [photographs], tmp_path, Options(tensorboard=True, log_every=1))
    assert list((tmp_path / "tensorboard").glob("events*"))
