"""Training: every shipped recipe takes steps, lowers its loss, and goes on from where it stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small import RECIPES, SMALL, photograph

from plic.core.errors import TrainingError
from plic.core.recipe import Recipe, load_recipe
from plic.core.training import TrainingRun
from plic.core.training.loop import Progress

SETTINGS = {"training.crop": 64, "training.batch": 2, "training.learning_rate": 1e-3}


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for seed in range(4):
        photograph(160, 130, seed).save(folder / f"{seed}.png")
    return folder


def recipe_of(name: str, steps: int) -> Recipe:
    return load_recipe(name, {**SMALL[name], **SETTINGS, "training.steps": steps, "training.decay_fraction": 0.0})


def run_of(name: str, steps: int, photographs: Path) -> TrainingRun:
    recipe = recipe_of(name, steps)
    model = None if name == "house" else 0
    return TrainingRun(recipe, [photographs], photographs.parent / "run", model)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_and_freezes(name: str, photographs: Path) -> None:
    lines: list[Progress] = []
    codec = run_of(name, 3, photographs).run(lines.append)
    assert lines[-1].step == 3
    assert torch.isfinite(torch.tensor(lines[-1].loss))
    data = codec.freeze().encode(photograph(50, 40))
    assert codec.freeze().decode(data).size == (50, 40)


def test_a_resumed_run_goes_on_where_it_stopped(photographs: Path) -> None:
    first = run_of("house", 2, photographs)
    first.run(lambda line: None)
    second = run_of("house", 5, photographs)
    second.resume()
    assert second.step == 2
    for a, b in zip(first.codec.parameters(), second.codec.parameters(), strict=True):
        assert torch.equal(a, b)
    second.run(lambda line: None)
    assert second.step == 5


def test_weights_state_the_one_lambda_they_were_trained_with(photographs: Path) -> None:
    recipe = recipe_of("balle2018", 1)
    run = TrainingRun(recipe, [photographs], photographs.parent / "run", 1)
    assert len(recipe.training.lambdas) > 1
    assert run.codec.recipe.training.lambdas == [recipe.training.lambdas[1]]
    assert load_recipe(run.folder / "recipe.yaml").training.lambdas == [recipe.training.lambdas[1]]
    assert run.codec.recipe.fingerprint() == recipe.fingerprint()


def test_training_lowers_the_loss(photographs: Path) -> None:
    run = run_of("balle2018", 40, photographs)
    run.codec.train()
    losses = [float(run._train_step()[0]) for _ in range(40)]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


def test_weights_that_explode_are_told_by_layer(photographs: Path) -> None:
    run = run_of("balle2018", 5, photographs)
    with torch.no_grad():
        next(iter(run.codec.transform.parameters())).fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"transform\.analysis_layers\.0\.weight"):
        run.run(lambda line: None)
