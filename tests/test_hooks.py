"""Every hook, by the example that docs/plugins.md gives for it: installed as a distribution, and used."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from commands import run
from distributions import DOCS, examples, install, site_on_path
from small import SMALL, photograph, small_codec, small_frozen

from plic import load
from plic.core import hookspecs
from plic.core.commands.added import GROUP
from plic.core.evaluation import read_evaluations
from plic.core.recipe import load_recipe
from plic.core.registry import default_registry

GUIDE = "plugins.md"
GOLDEN = Path(__file__).parent / "golden" / "house.plic"
CHANGES = {**SMALL["balle2018"], "training.crop": 64, "training.batch": 1}
SETTINGS = [part for key, value in CHANGES.items() for part in ("--set", f"{key}={json.dumps(value)}")]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    with site_on_path(tmp_path / "site") as folder:
        yield folder


def example(heading: str) -> str:
    return examples(GUIDE, heading)["python"]


def test_every_hook_has_an_example() -> None:
    pages = "".join((DOCS / page).read_text(encoding="utf-8") for page in (GUIDE, "families.md"))
    shown = set(re.findall(r"^def (plic_\w+)", pages, flags=re.MULTILINE))
    assert shown == {name for name in vars(hookspecs) if name.startswith("plic_")}


def test_recipes(site: Path) -> None:
    install(site, "plic-charbonnier", example("A part"))
    recipe = examples(GUIDE, "Recipes")["yaml"]
    install(site, "plic-more", example("Recipes"), {"recipes/balle2018-charbonnier.yaml": recipe})
    assert "balle2018-charbonnier" in run("recipes").stdout
    assert load_recipe("balle2018-charbonnier").distortion.settings == {"epsilon": 0.002}


def test_recipe_whose_plugin_is_absent(site: Path) -> None:
    recipe = examples(GUIDE, "Recipes")["yaml"]
    install(site, "plic-more", example("Recipes"), {"recipes/balle2018-charbonnier.yaml": recipe})
    assert "pip install 'plic-charbonnier>=1'" in run("recipes", "balle2018-charbonnier", code=2).stderr
    run("recipes", "balle2018")


def test_catalogues(site: Path) -> None:
    install(site, "plic-more", example("Weights"), {"catalogue.yaml": examples(GUIDE, "Weights")["yaml"]})
    entry = default_registry().catalogue.weights["balle2018-charbonnier"]
    assert entry.url == "https://example.org/balle2018-charbonnier.safetensors"
    Path("mine.yaml").write_text("plic: 1\nname: mine\nextends: balle2018\nhead: {use: student-t}\n")
    stderr = run("recipes", "mine.yaml", code=2).stderr
    assert "no head is called 'student-t'" in stderr
    assert "pip install plic-student-t" in stderr


def test_commands(site: Path) -> None:
    assert hookspecs.COMMANDS in examples(GUIDE, "Commands")["toml"]
    assert hookspecs.COMMANDS == GROUP
    install(site, "plic-bits", example("Commands"), groups=(GROUP,))
    help_text = run("--help").stdout
    assert "Commands of plic-bits 1.0:\n  mean-bpp  Print the mean bits per pixel of .plic FILES." in help_text
    rate = json.loads(run("inspect", str(GOLDEN), "--json").stdout)["bits_per_pixel"]
    assert run("mean-bpp", str(GOLDEN), str(GOLDEN)).stdout == f"{rate:.4f}\n"
    assert json.loads(run("plugins", "--json").stdout)["commands"] == {"mean-bpp": {"provider": "plic-bits 1.0"}}


def test_metrics_are_measured_written_and_compared(site: Path) -> None:
    install(site, "plic-worst", example("Metrics"))
    pictures = Path("pictures")
    pictures.mkdir()
    for seed in range(2):
        photograph(64, 48, seed).save(pictures / f"{seed}.png")
    small_frozen("balle2018").save(Path("mine.safetensors"))
    out = run("evaluate", "mine.safetensors", "--data", "pictures", "-o", "r.json", "--metric", "worst-error").stdout
    found = read_evaluations("r.json")[0]
    facts = found.metrics["worst-error"]
    assert (facts.provider, facts.better, facts.unit) == ("plic-worst 1.0", "lower", "grey levels")
    values = [image.metrics["worst-error"] for image in found.qualities[0].images]
    assert all(0 < value <= 255 and value == int(value) for value in values)
    mean = found.qualities[0].mean.metrics["worst-error"]
    assert mean == sum(values) / 2
    assert f"worst-error {mean:.5g}" in out
    run("compare", "r.json", "-o", "t.csv", "-o", "p.html")
    rows = list(csv.DictReader(Path("t.csv").read_text().splitlines()))
    assert float(rows[0]["metric_worst-error"]) == mean
    page = Path("p.html").read_text()
    assert '<th scope="col">Worst error (grey levels) \N{DOWNWARDS ARROW}</th>' in page
    assert f"<td>{mean:.5g}</td>" in page


def test_callbacks_are_told_and_change_nothing(site: Path) -> None:
    install(site, "plic-best", example("Training callbacks"))
    Path("photographs").mkdir()
    photograph(80, 70, 1).save("photographs/a.png")
    common = ("train", "balle2018", "--data", "photographs", *SETTINGS, "--lambda", "0.01", "--steps", "2")
    run(*common, "--log-every", "1", "--out", "with", "--callback", "keep-best")
    run(*common, "--log-every", "1", "--out", "without")
    assert load("with/best.safetensors").recipe.name == "balle2018"
    assert Path("with/weights.safetensors").read_bytes() == Path("without/weights.safetensors").read_bytes()


def test_importers(site: Path) -> None:
    install(site, "plic-lab", example("Importers"))
    codec = small_codec("balle2017")
    tensors = {f"codec.{name}": value for name, value in codec.state_dict().items()}
    torch.save({**tensors, "epoch": torch.tensor(3)}, "checkpoint.pt")
    settings = [part for key, value in SMALL["balle2017"].items() for part in ("--set", f"{key}={json.dumps(value)}")]
    run("import", "lab", "checkpoint.pt", "--recipe", "balle2017", "-o", "lab.safetensors", *settings)
    picture = photograph(64, 48)
    assert load("lab.safetensors").encode(picture) == codec.eval().freeze().encode(picture)


def test_anchors(site: Path) -> None:
    file = examples("evaluation.md", "Anchors of your own")["json"]
    install(site, "plic-curves", example("Anchors"), {"kodak_mine.json": file})
    assert "mine/new-1.0" in run("anchors").stdout
