"""Every shipped recipe, those that only change another included: where it comes from, and that it codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import skimage
import torch
import yaml
from lossless import Latents
from PIL import Image
from small import SMALL, enlivened

import plic
from plic.core.recipe import load_recipe

FOLDER = Path(plic.__file__).parent / "recipes"
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.yaml"))
MARKS = re.compile(r"\[(code|paper|memory|inferred|computed|data)[^\]]*\]")
OURS = {name for name in SHIPPED if name.partition("-")[0] == "house"}


def ancestors(recipe: str) -> list[str]:
    """The recipe and what it extends, nearest first."""
    parent = yaml.safe_load((FOLDER / f"{recipe}.yaml").read_text()).get("extends")
    return [recipe, *(ancestors(parent) if parent else [])]


@pytest.fixture
def latents(monkeypatch: pytest.MonkeyPatch) -> Latents:
    return Latents(monkeypatch)


def real_photograph() -> Image.Image:
    """Part of a photograph, of a size that is no multiple of anything."""
    with Image.open(Path(skimage.__file__).parent / "data" / "coffee.png") as image:
        return image.convert("RGB").crop((180, 120, 283, 197))


@pytest.mark.parametrize("name", SHIPPED)
def test_it_codes_a_real_photograph_untrained(name: str, latents: Latents) -> None:
    small = next(SMALL[one] for one in ancestors(name) if one in SMALL)
    torch.manual_seed(3)
    codec = enlivened(plic.build(name, small)).eval().freeze()
    picture = real_photograph()
    data = codec.encode(picture)
    encoded = latents.take()
    assert codec.decode(data).size == picture.size
    decoded = latents.take()
    assert len(encoded) == len(decoded) > 0
    assert all(torch.equal(a, b) for a, b in zip(encoded, decoded, strict=True))
    assert len(set(encoded[-1].flatten().tolist())) > 2


@pytest.mark.parametrize("name", SHIPPED)
def test_it_says_where_it_comes_from(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.title
    assert recipe.notes
    if name not in OURS:
        assert recipe.paper
        assert MARKS.search(recipe.notes), "no mark of provenance"
    assert recipe.training.lambdas == sorted(recipe.training.lambdas)


def test_titles_tell_recipes_apart() -> None:
    titles = [load_recipe(name).title for name in SHIPPED]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.endswith("-high")])
def test_wider_networks_are_for_higher_rates(name: str) -> None:
    low, high = load_recipe(name.removesuffix("-high")), load_recipe(name)
    assert low.training.lambdas[-1] < high.training.lambdas[0]
    assert high.transform.id == low.transform.id
    with torch.device("meta"):
        counts = [sum(p.numel() for p in plic.build(recipe).parameters()) for recipe in (low.name, high.name)]
    assert counts[0] < counts[1]
