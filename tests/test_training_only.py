"""Settings that only training sees: no fingerprint has them, so weights fit whatever their values."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fakes import BASE, FakeMixture, fake_registry
from small import small_codec

from plic.core.errors import PluginError
from plic.core.plugins import Plugin
from plic.core.recipe import load_recipe
from plic.core.recipe.load import recipe_from_text
from plic.core.registry import PartSpec
from plic.plugins.builtin import PARTS
from plic.plugins.head.families import LIKELIHOOD_FLOOR

HOUSE = "148a84cac37b8efda36df397f21869e0484c08875370cd90592d9a2f517643f4"
"""Of the recipe; that of the shipped weights, which covers it, is checked whenever they are loaded."""


def test_the_default_recipe_keeps_its_fingerprint() -> None:
    assert load_recipe("house").fingerprint() == HOUSE


@pytest.mark.parametrize(
    ("recipe", "key", "value"),
    [
        ("house", "head.likelihood_floor", 1e-6),
        ("cheng2020-gmm", "head.likelihood_floor", 1e-9),
        ("fu2021", "head.likelihood_floor", 1e-9),
        ("balle2017", "head.likelihood_floor", 1e-6),
        ("zhang2022-extra", "context.sampled_states", None),
        ("zhang2022-extra", "context.refreshes", 2),
    ],
)
def test_they_do_not_enter_the_fingerprint(recipe: str, key: str, value: object) -> None:
    plain, changed = load_recipe(recipe), load_recipe(recipe, {key: value})
    assert changed.resolved() != plain.resolved()
    assert changed.fingerprint() == plain.fingerprint()
    assert recipe_from_text(changed.to_yaml(), "text").fingerprint() == plain.fingerprint()
    assert recipe_from_text(changed.to_yaml(), "text").resolved() == changed.resolved()


def test_other_settings_still_do() -> None:
    assert load_recipe("house", {"head.floor": 0.2}).fingerprint() != HOUSE


@pytest.mark.parametrize("part", PARTS["head"])
def test_every_head_keeps_its_likelihood_floor(part: str) -> None:
    torch.manual_seed(0)
    head = PARTS["head"][part](2, likelihood_floor=1e-3)
    parameters = torch.rand(1, head.parameters_per_element, 2, 3, 3)
    likelihood = head.likelihood(parameters, torch.full((1, 2, 3, 3), 1e4))
    assert torch.equal(likelihood, torch.full_like(likelihood, 1e-3))
    assert PARTS["head"][part](2).likelihood_floor == LIKELIHOOD_FLOOR


def test_weights_that_were_trained_with_another_value_decode_the_same() -> None:
    small, other = (small_codec("house", head__likelihood_floor=floor).eval() for floor in (1e-9, 1e-6))
    assert small.freeze().fingerprint == other.freeze().fingerprint


def test_what_is_no_setting_is_refused(tmp_path: Path) -> None:
    class Odd(FakeMixture):
        training_only = frozenset({"flor"})

    odd = Plugin("odd", "odd", "1.0", "odd", parts=(PartSpec("head", "odd", Odd),))
    path = tmp_path / "base.yaml"
    path.write_text(BASE.replace("{use: normal}", "{use: odd}"))
    with pytest.raises(PluginError, match=r"training_only of head 'odd' \(odd 1\.0\)[^$]*got: +flor"):
        load_recipe(path, registry=fake_registry(odd))
