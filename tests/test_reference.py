"""Faithfulness: with the weights of reference models, imported, every stage computes what the reference computed.

The vectors were made with CompressAI 1.2.8; they are not part of the repository. Without them these tests skip.
`test_importing.py` tests the importer without them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import load_file, save_file
from small import photograph
from torch import Tensor

from plic.cli import main
from plic.core import importing
from plic.core.api import load
from plic.core.codec import Codec
from plic.core.errors import WeightsError
from plic.core.importing import import_checkpoint
from plic.core.registry import default_registry

VECTORS = Path(os.environ.get("PLIC_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "vectors"
RECIPES = {
    "factorized": "balle2017",
    "scale-hyperprior": "balle2018",
    "mean-scale-hyperprior": "minnen2018-mean",
    "joint-autoregressive": "minnen2018",
    "cheng2020-anchor": "cheng2020-anchor",
    "cheng2020-attention": "cheng2020-attn",
}


@dataclass(frozen=True)
class Case:
    """A reference model: its weights, what it computed, and the codec that has its weights now."""

    recipe: str
    weights: dict[str, Tensor]
    vectors: dict[str, Tensor]
    codec: Codec

    @property
    def medians(self) -> Tensor:
        """What the reference rounds around where a density is learned: tensors that are not imported."""
        return self.weights["entropy_bottleneck.quantiles"][:, 0, 1].view(1, -1, 1, 1)


@pytest.fixture(params=RECIPES)
def case(request: pytest.FixtureRequest) -> Case:
    path = VECTORS / f"{request.param}.safetensors"
    if not path.exists():
        pytest.skip(f"no reference vectors in {VECTORS}; set PLIC_SHARED")
    vectors = load_file(path)
    weights = {
        name.removeprefix("weights."): vectors.pop(name) for name in list(vectors) if name.startswith("weights.")
    }
    recipe = RECIPES[request.param]
    codec = import_checkpoint(default_registry().importer("compressai"), weights, recipe).codec
    return Case(recipe, weights, vectors, codec)


def stages(case: Case, prefix: str, y: Tensor, z_hat: Tensor | None) -> dict[str, Tensor]:
    """Everything that follows from a latent and a quantised side latent, by the names of the vectors."""
    codec, vectors = case.codec, case.vectors
    found: dict[str, Tensor] = {}
    side = None
    if codec.side_information is not None and z_hat is not None:
        side = found["side_features"] = codec.side_information.synthesis(z_hat, *y.shape[-2:])
        found[f"{prefix}likelihood.z"] = codec.side_information.head.likelihood(z_hat[:, None, :0], z_hat)
    if "context_features" in vectors:  # the reference lets it see integers
        found["context_features"] = codec.context.masked(torch.round(y))  # type: ignore[operator]
    parameters = codec.context.parameters_all(torch.round(y), side)
    for index, name in enumerate(codec.head.layout):
        found[f"{name}s"] = parameters[:, index]
    centre = case.medians if side is None else found.get("means", torch.zeros(1))
    around = torch.round(y - centre) + centre
    found["y_hat"] = torch.round(y) if "context_features" in vectors else around
    # with a context, the reference's forward pass evaluates the likelihood around the means, its synthesis at integers
    valued = around if prefix or "context_features" not in vectors else found["y_hat"]
    found[f"{prefix}likelihood.y"] = codec.head.likelihood(parameters, valued)
    return found


def close(got: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().max()))


@torch.no_grad()
def test_every_stage_matches_the_reference(case: Case) -> None:
    codec, vectors, gain = case.codec, case.vectors, case.vectors["y_gain"]
    y = codec.transform.analysis(vectors["input.x"]) * gain
    got = {"y": y, "x_hat": codec.transform.synthesis(vectors["y_hat"] / gain)}
    z_hat = None
    if codec.side_information is not None:
        got["z"] = codec.side_information.analysis(y)
        z_hat = got["z_hat"] = torch.round(got["z"] - case.medians) + case.medians
    got |= stages(case, "", y, z_hat)
    assert set(got) >= {name for name in vectors if not name.startswith(("forward.", "input.", "y_gain"))}
    for name, value in got.items():
        close(value, vectors[name])
    for name in ("likelihood.y", "likelihood.z"):
        if name in vectors:  # the least ones are far below what `close` sees
            torch.testing.assert_close(got[name], vectors[name], rtol=1e-5, atol=0)


@torch.no_grad()
def test_the_whole_pass_matches_the_reference(case: Case) -> None:
    codec, vectors = case.codec, case.vectors
    y = codec.transform.analysis(vectors["input.x"])
    z_hat = None
    if codec.side_information is not None:
        z_hat = torch.round(codec.side_information.analysis(y) - case.medians) + case.medians
    got = stages(case, "forward.", y, z_hat)
    got["forward.x_hat"] = codec.transform.synthesis(got["y_hat"])
    for name in [name for name in vectors if name.startswith("forward.")]:
        close(got[name], vectors[name])


@torch.no_grad()
def test_exact_arithmetic_stays_near_the_reference(case: Case) -> None:
    codec, vectors = case.codec, case.vectors
    networks = codec.freeze().networks
    y_hat, gain = vectors["y_hat"], vectors["y_gain"]
    half = networks.transform.synthesis(y_hat / gain)  # weights files hold half precision here
    assert float((half - vectors["x_hat"]).abs().max()) < 1e-3
    if networks.side_information is None:
        return
    side = networks.side_information.synthesis(vectors["z_hat"].double(), *y_hat.shape[-2:])
    parameters = networks.context.parameters_all(y_hat.double(), side).float()
    bits = -codec.head.likelihood(parameters, y_hat).log2().sum()
    assert float(bits) == pytest.approx(float(-vectors["likelihood.y"].log2().sum()), rel=2e-3)


def run(*arguments: str) -> None:
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_a_checkpoint_becomes_weights_that_code(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    photograph(75, 50).save("a.png")
    torch.save({"state_dict": {f"module.{name}": value for name, value in case.weights.items()}}, "a.pth.tar")
    save_file(case.weights, "b.safetensors")
    for source, target in (("a.pth.tar", "a.weights.safetensors"), ("b.safetensors", "b.weights.safetensors")):
        run("import", "compressai", source, "--recipe", case.recipe, "-o", target)
    assert Path("a.weights.safetensors").read_bytes() == Path("b.weights.safetensors").read_bytes()
    run("encode", "a.png", "-o", "a.plic", "--model", "a.weights.safetensors")
    run("decode", "a.plic", "-o", "back.png", "--model", "b.weights.safetensors")
    assert Image.open("back.png").size == (75, 50)
    frozen = load("a.weights.safetensors")
    assert frozen.recipe.name == case.recipe
    assert frozen.recipe.transform.settings["channels"] == case.codec.recipe.transform.settings["channels"]


def test_tensors_that_are_missing_left_over_or_misshapen(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "list_recipes", lambda registry: [])  # looking for one that fits takes seconds
    importer = default_registry().importer("compressai")
    name = next(name for name in case.weights if name.startswith("g_s.") and name.endswith(".weight"))
    fewer = {other: value for other, value in case.weights.items() if other != name}
    for faulty, message in (
        (fewer, "1 missing: transform.synthesis_layers"),
        ({**case.weights, "g_s.99.weight": torch.zeros(3)}, "1 left over: g_s.99.weight"),
        ({**case.weights, name: torch.zeros(3)}, rf"1 of the wrong shape: {name} \(3,\) instead of"),
    ):
        with pytest.raises(WeightsError, match=message):
            import_checkpoint(importer, faulty, case.recipe)


def test_older_names_give_the_same(case: Case) -> None:
    old = {
        name.replace("matrices.", "_matrix").replace("biases.", "_bias").replace("factors.", "_factor"): value
        for name, value in case.weights.items()
    }
    assert set(old) != set(case.weights)
    again = import_checkpoint(default_registry().importer("compressai"), old, case.recipe).codec.state_dict()
    assert all(torch.equal(again[name], value) for name, value in case.codec.state_dict().items())
