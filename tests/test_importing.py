"""Importing checkpoints: every model with a recipe, every wrapping, and every way in which one does not fit."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import foreign
import pytest
import torch
from click.testing import CliRunner, Result
from fakes import write_distribution
from foreign import MODELS, State
from PIL import Image
from safetensors.torch import save_file
from small import photograph
from torch import Tensor

from plic.cli import main
from plic.core import importing
from plic.core.api import load
from plic.core.errors import FileError, PluginError, RecipeError, UnknownName, WeightsError
from plic.core.importing import Conversion, Importer, import_checkpoint, read_checkpoint
from plic.core.plugins import Plugin, load_plugins
from plic.core.recipe import Recipe, load_recipe
from plic.core.registry import Registry, default_registry
from plic.plugins.transform.normalisation import Gdn


@pytest.fixture(autouse=True)
def few_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only these are tried when a checkpoint does not fit: it takes a tenth of a second for each."""
    monkeypatch.setattr(importing, "list_recipes", lambda registry: [*MODELS, "house"])


def reader() -> Importer:
    return default_registry().importer("compressai")


def imported(state: Mapping[str, Tensor], recipe: str, **overrides: Any) -> State:
    """The codec's state dict."""
    changed = {key.replace("__", "."): value for key, value in overrides.items()}
    return import_checkpoint(reader(), state, recipe, changed).codec.state_dict()


def refused(state: Mapping[str, Tensor], recipe: str) -> str:
    with pytest.raises(WeightsError) as caught:
        imported(state, recipe)
    return str(caught.value)


# --- models ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", MODELS)
def test_every_model_imports_whole(recipe: str) -> None:
    state = MODELS[recipe]()
    result = import_checkpoint(reader(), state, recipe)
    ours = result.codec.state_dict()
    assert len(ours) + len(result.dropped) == len(state)
    assert sum(value.numel() for value in ours.values()) == sum(
        value.numel() for name, value in state.items() if name not in result.dropped
    )
    kept = sorted(float(value.double().sum()) for name, value in state.items() if name not in result.dropped)
    masked = "context.masked.weight" in ours  # dead taps are silenced, fusion inputs may change places
    differing = set(kept) ^ {float(value.double().sum()) for value in ours.values()}
    assert len({round(value, 9) for value in differing}) <= (2 if masked else 0)


@pytest.mark.parametrize("recipe", ["minnen2018", "cheng2020-attn"])
@pytest.mark.parametrize("width", [4, 10])
def test_widths_come_from_the_checkpoint(recipe: str, width: int) -> None:
    state = foreign.joint(width, 2 * width) if recipe == "minnen2018" else foreign.attn(width)
    result = import_checkpoint(reader(), state, recipe)
    settings = result.codec.recipe.transform.settings
    assert settings["channels"] == width
    assert result.settings["transform.channels"] == width
    assert result.codec.transform.latent_channels == (2 * width if recipe == "minnen2018" else width)
    assert result.codec.recipe.name == recipe


def test_widths_of_the_recipe_itself_change_nothing() -> None:
    state = foreign.factorized(128, 192)
    assert import_checkpoint(reader(), state, "balle2017").settings == {}


def test_other_settings_can_be_changed_on_the_way() -> None:
    result = import_checkpoint(reader(), foreign.joint(), "minnen2018", {"schedule.execution": "serial"})
    assert result.codec.recipe.schedule.settings["execution"] == "serial"


def test_dead_taps_are_silent() -> None:
    weight = imported(foreign.joint(), "minnen2018")["context.masked.weight"]
    assert bool((weight[:, :, 2, 2:] == 0).all())
    assert bool((weight[:, :, 3:] == 0).all())
    assert bool((weight[:, :, :2] != 0).all())


def test_the_checkerboard_codec_hands_over_context_features_first() -> None:
    state = foreign.checkerboard()
    ours = imported(state, "he2021")
    side, context = torch.randn(2, 1, 16, 1, 1)
    theirs = torch.nn.functional.conv2d(
        torch.cat((context, side), 1), state["latent_codec.y.entropy_parameters.0.weight"]
    )
    got = torch.nn.functional.conv2d(torch.cat((side, context), 1), ours["context.fusion.0.weight"])
    torch.testing.assert_close(got, theirs)


@pytest.mark.parametrize("inverse", [False, True])
def test_normalisation_is_stored_alike(inverse: bool) -> None:
    state = foreign.factorized(6)
    layer = Gdn(6, inverse)
    layer.load_state_dict({name: state[f"g_a.1.{name}"] for name in ("beta", "gamma")})
    x = torch.randn(2, 6, 3, 3)
    gamma, beta = (
        state[f"g_a.1.{name}"].clamp(min=(least + 2.0**-36) ** 0.5) ** 2 - 2.0**-36
        for name, least in (("gamma", 0.0), ("beta", 1e-6))
    )
    energy = torch.nn.functional.conv2d(x**2, gamma[:, :, None, None], beta)
    torch.testing.assert_close(layer(x), x * energy.sqrt() if inverse else x / energy.sqrt())


# --- names and wrappings --------------------------------------------------------------------------------------------

OLD = {"matrices": "_matrix", "biases": "_bias", "factors": "_factor"}


def zoo_name(name: str) -> str:
    """What the zoo's files call a tensor."""
    name = re.sub(
        r"entropy_bottleneck\.(matrices|biases|factors)\.(\d)", lambda m: f"entropy_bottleneck.{OLD[m[1]]}{m[2]}", name
    )
    return name.replace(".skip.", ".downsample.")


def list_name(name: str) -> str:
    """What the first releases called it."""
    return re.sub(r"entropy_bottleneck\.(matrices|biases|factors)\.", r"entropy_bottleneck._\1.", name)


@pytest.mark.parametrize("recipe", MODELS)
@pytest.mark.parametrize("older", [zoo_name, list_name])
def test_older_names(recipe: str, older: Any) -> None:
    state = MODELS[recipe]()
    renamed = {older(name): value for name, value in state.items()}
    assert set(renamed) != set(state)
    ours, theirs = imported(state, recipe), imported(renamed, recipe)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3, "optimizer": {"state": {}}},
        lambda state: {"network": state},
        lambda state: {"model": {"state_dict": state}},
        lambda state: {f"module.{name}": value for name, value in state.items()},
        lambda state: {"state_dict": {f"_orig_mod.module.{name}": value for name, value in state.items()}},
    ],
)
def test_wrappings(wrap: Any, tmp_path: Path) -> None:
    state = foreign.factorized()
    torch.save(wrap(state), tmp_path / "checkpoint.pth.tar")
    found = read_checkpoint(tmp_path / "checkpoint.pth.tar")
    assert set(found) == set(state)
    assert all(torch.equal(found[name], value) for name, value in state.items())


def test_safetensors_by_content(tmp_path: Path) -> None:
    save_file(foreign.factorized(), tmp_path / "any.name")
    assert set(read_checkpoint(tmp_path / "any.name")) == set(foreign.factorized())


class Pickled:
    """Not data."""


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": Pickled()}, tmp_path / "code.pt")
    torch.save({"lambda": 0.01}, tmp_path / "empty.pt")
    torch.save([torch.zeros(3)], tmp_path / "list.pt")
    (tmp_path / "text.pt").write_text("no weights at all")
    (tmp_path / "nothing.pt").write_bytes(b"")
    (tmp_path / "cut.safetensors").write_bytes(b"\x40\0\0\0\0\0\0\0{")
    for name in ("code.pt", "text.pt", "nothing.pt", "cut.safetensors"):
        with pytest.raises(
            WeightsError, match=r"(?s)is not a checkpoint that can be read.*torch.save\(model.state_dict"
        ):
            read_checkpoint(tmp_path / name)
    for name in ("empty.pt", "list.pt"):
        with pytest.raises(WeightsError, match="holds no weights"):
            read_checkpoint(tmp_path / name)
    with pytest.raises(FileError, match="no such file"):
        read_checkpoint(tmp_path / "nowhere.pt")


# --- what does not fit ----------------------------------------------------------------------------------------------


def test_missing_left_over_and_misshapen_tensors_are_listed() -> None:
    state = foreign.joint()
    del state["g_a.2.bias"]
    state["g_a.9.weight"] = torch.zeros(1)
    state["ema.decay"] = torch.zeros(1)
    state["h_a.2.weight"] = torch.zeros(8, 8, 3, 3)
    message = refused(state, "minnen2018")
    assert "1 missing: transform.analysis_layers.2.bias" in message
    assert "2 left over: g_a.9.weight, ema.decay" in message
    assert "1 of the wrong shape: h_a.2.weight (8, 8, 3, 3) instead of (8, 8, 5, 5)" in message
    assert "check that the file holds a whole model" in message


@pytest.mark.parametrize(
    ("recipe", "given", "reason"),
    [
        ("cheng2020-anchor", "cheng2020-attn", "192 missing: transform.analysis_layers.3.trunk.0"),
        ("cheng2020-attn", "cheng2020-anchor", "left over: g_a.3.conv_a.0"),
        ("minnen2018", "minnen2018-mean", "left over: context_prediction.weight"),
        ("balle2017", "balle2018", "side features"),
        ("balle2018", "balle2017", "left over: h_a.0.weight"),
        ("balle2018", "minnen2018-mean", "side features"),
        ("minnen2018-mean", "balle2018", "side features"),
        ("cheng2020-attn", "cheng2020-gmm", "of the wrong shape: g_s.2.upsample.0.weight"),
        ("minnen2018", "he2021-minnen2018", "does not look where 'checkerboard-conv' looks"),
        ("cheng2020-anchor", "house", "CompressAI has nothing that would fill transform 'patch'"),
    ],
)
def test_the_wrong_recipe_is_told_which_would_fit(recipe: str, given: str, reason: str) -> None:
    message = refused(MODELS[recipe](), given)
    assert reason in message
    assert re.search(rf"a recipe that it fits: (.*, )?{recipe}(,|\n)", message)
    assert "--recipe " in message


def test_a_recipe_that_is_unknown() -> None:
    with pytest.raises(UnknownName, match="no recipe is called"):
        imported(foreign.joint(), "minnen2081")


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    photograph(70, 52).save("a.png")
    torch.save(foreign.anchor(), "checkpoint.pth.tar")
    Path("text.pth").write_text("no weights at all")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


COMMAND = ("import", "compressai", "checkpoint.pth.tar", "--recipe", "cheng2020-anchor", "-o")


def test_imported_weights_code(here: Path) -> None:
    result = run(*COMMAND, "w.safetensors")
    assert result.exit_code == 0, result.output
    assert "transform.channels=8" in result.stdout
    assert load("w.safetensors").recipe.name == "cheng2020-anchor"
    assert run("encode", "a.png", "-o", "a.plic", "--model", "w.safetensors").exit_code == 0
    assert run("decode", "a.plic", "-o", "b.png", "--model", "w.safetensors").exit_code == 0
    assert Image.open("b.png").size == (70, 52)
    assert "cheng2020-anchor" in run("inspect", "a.plic").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*COMMAND, "checkpoint.pth.tar"), "overwritten by its own result"),
        ((*COMMAND, "a.png"), "a.png exists"),
        ((*COMMAND, "w.pth"), "a name that ends in .safetensors"),
        ((*COMMAND, "no/such/w.safetensors"), "the folder to write into does not exist"),
        ((*COMMAND, "w.safetensors", "--set", "head.flor=1"), "has no setting 'flor'"),
        (("import", "compresai", *COMMAND[2:], "w.safetensors"), "near:     compressai"),
        ((*COMMAND[:2], "text.pth", *COMMAND[3:], "w.safetensors"), "text beginning 'no weights at all'"),
        ((*COMMAND[:2], "nowhere.pth", *COMMAND[3:], "w.safetensors"), "no such file"),
        ((*COMMAND[:4], "chen2020-anchor", "-o", "w.safetensors"), "near:     cheng2020-anchor"),
        ((*COMMAND[:4], "house", "-o", "w.safetensors"), "next:     give the one that it was trained as"),
    ],
)
def test_errors(here: Path, arguments: tuple[str, ...], message: str) -> None:
    before = {path: path.read_bytes() for path in here.iterdir()}
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert {path: path.read_bytes() for path in here.iterdir()} == before


def test_importers_are_listed() -> None:
    assert "state dicts of CompressAI" in run("plugins").stdout


# --- the hook -------------------------------------------------------------------------------------------------------

PLUGIN = """
from plic.core.hookspecs import hookimpl
from plic.core.importing import Conversion, Importer

PLIC_API = 1


class Mine(Importer):
    id = "mine"
    reads = "what I have"

    def settings(self, checkpoint, recipe):
        return {}

    def convert(self, checkpoint, recipe):
        return Conversion(checkpoint, {name: name for name in checkpoint}, ())


@hookimpl
def plic_register_importers():
    return [Mine()]
"""


class Same(Importer):
    """Names are ours already."""

    id = "compressai"
    reads = "anything"

    def settings(self, checkpoint: Mapping[str, Tensor], recipe: Recipe) -> dict[str, Any]:
        return {}

    def convert(self, checkpoint: Mapping[str, Tensor], recipe: Recipe) -> Conversion:
        return Conversion(checkpoint, {name: name for name in checkpoint}, ())


def test_a_plugin_may_bring_an_importer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    write_distribution(tmp_path, "plic-mine", PLUGIN)
    registry = Registry(load_plugins({}))
    assert registry.importers["mine"] == "plic-mine 1.0"
    ours = imported(foreign.factorized(), "balle2017")
    overrides = {"transform.channels": 8, "transform.latent_channels": 12}
    codec = import_checkpoint(registry.importer("mine"), ours, "balle2017", overrides, registry).codec
    assert all(torch.equal(value, ours[name]) for name, value in codec.state_dict().items())


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('id = "mine"', 'id = "My Own"', "'My Own' is no id"),
        ("[Mine()]", "[Mine(), Mine()]", "registered twice by the same plugin"),
        ("[Mine()]", "[Mine]", "give instances, not classes"),
        ("def convert", "def konvert", "abstract"),
    ],
)
def test_importers_that_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, reason: str
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    module = f"plic-broken-{abs(hash(new))}"
    write_distribution(tmp_path, module, PLUGIN.replace(old, new))
    plugin = next(plugin for plugin in load_plugins({}) if plugin.distribution == module)
    assert plugin.status == "failed"
    assert reason in plugin.traceback


def test_two_importers_of_one_name_are_an_error_when_it_is_used() -> None:
    builtin = default_registry().plugins[0]
    registry = Registry([builtin, Plugin("rival", "plic-rival", "2.0", "rival", importers=(Same(),))])
    with pytest.raises(PluginError, match=r"importer 'compressai' is provided by 2 plugins"):
        registry.importer("compressai")
    assert len(registry.conflicts) == 1


def test_an_importer_cannot_fill_what_it_does_not_know() -> None:
    with pytest.raises(RecipeError, match="CompressAI has nothing that would fill"):
        reader().settings(foreign.joint(), load_recipe("house"))


# --- the guide ------------------------------------------------------------------------------------------------------

GUIDE = (Path(__file__).parent.parent / "docs" / "importing.md").read_text(encoding="utf-8")


def test_the_guides_commands_and_code_run(here: Path) -> None:
    torch.save(foreign.mean_scale_hyperprior(), "mbt2018-mean-3.pth.tar")
    Path("kodak").mkdir()
    photograph(70, 52).save("photo.png")
    photograph(180, 170).save("kodak/one.png")
    for block in re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL):
        for line in block.splitlines():
            result = run(*shlex.split(line.removeprefix("$ plic ")))
            assert result.exit_code == 0, result.output
    for code in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(compile(code, "importing.md", "exec"), {})


def test_the_guide_names_a_recipe_for_every_model() -> None:
    assert set(re.findall(r"^\| `.*` \| `(.*)` \|", GUIDE, re.MULTILINE)) == set(MODELS)
