"""The plugin loader and the registry: isolation, conflicts, switches."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import BASE, GOOD_PLUGIN, PARTS, fake_registry, write_distribution

from plic.core import hookspecs
from plic.core.catalogue import Catalogue, KnownProvider, read_catalogue, shipped_catalogue
from plic.core.errors import PlicError, PluginError, RecipeError, UnknownName
from plic.core.plugins import BUILTIN, Plugin, load_plugins
from plic.core.recipe import build_parts, load_recipe
from plic.core.registry import Registry, default_registry


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on ``sys.path`` to install fake distributions into."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if name.startswith("plic_"):
            del sys.modules[name]


def loaded(name: str, **environ: str) -> Plugin:
    return next(plugin for plugin in load_plugins(environ) if plugin.distribution == name)


# --- loading --------------------------------------------------------------------------------------------------------


def test_builtin_parts_come_through_the_hook() -> None:
    builtin = load_plugins({})[0]
    assert (builtin.status, builtin.provider) == ("loaded", "plic (built-in)"), builtin.traceback
    assert {"mse"} <= {part.id for part in builtin.parts}


def test_plugin_provides_a_part(site: Path) -> None:
    write_distribution(site, "plic-zero", GOOD_PLUGIN, version="1.2")
    registry = Registry(load_plugins({}))
    assert registry.part("distortion", "zero").__name__ == "Zero"
    assert registry.provider("distortion", "zero") == "plic-zero 1.2"
    assert "zero" in registry.ids("distortion")


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("PLIC_API = 1\nimport nowhere_to_be_found", ["import nowhere_to_be_found"]),
        (GOOD_PLUGIN.replace("return [PartSpec(", "1 / 0; return [PartSpec("), ["1 / 0; return [PartSpec("]),
        ("PLIC_API = 99", []),
    ],
    ids=["import", "hook", "version"],
)
def test_tracebacks_begin_in_the_plugins_own_code(site: Path, code: str, lines: list[str]) -> None:
    write_distribution(site, "plic-broken", code)
    told = loaded("plic-broken").traceback.splitlines()
    assert told[0].startswith("Traceback" if lines else "plic.core.errors.PluginError: ")
    places = [line for line in told if line.lstrip().startswith("File ")]
    assert all(str(site) in place for place in places)
    assert len(places) == len(lines)
    assert [line for line in lines if not any(line in one for one in told)] == []


def test_plugins_are_sorted(site: Path) -> None:
    for name in ("plic-b", "plic-a", "plic-c"):
        write_distribution(site, name, "PLIC_API = 1\n")
    names = [plugin.name for plugin in load_plugins({})]
    assert names[0] == "builtin"
    assert names[1:] == sorted(names[1:])


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('boom')", "RuntimeError: boom"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import nowhere_to_be_found", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
        ("pass", "does not state the version"),
        ("PLIC_API = 99", "written for another version of the hooks"),
        (GOOD_PLUGIN.replace('"distortion", "zero"', '"distorsion", "zero"'), "there is no slot 'distorsion'"),
        (GOOD_PLUGIN.replace('"zero"', '"Zero One"'), "'Zero One' is no id"),
        (GOOD_PLUGIN.replace('"zero", Zero)', '"zero", Zero)] * 2 + ['), "registered twice by the same plugin"),
        (GOOD_PLUGIN.replace('"zero", Zero)', '"zero", int)'), "distortion 'zero' is no Distortion"),
        (GOOD_PLUGIN.replace("__call__", "call"), "does not implement __call__"),
        (GOOD_PLUGIN.replace("return [PartSpec(", "return [tuple("), "TypeError"),
        (GOOD_PLUGIN.replace("plic_register_parts():", "plic_register_parts(config):"), "PluginValidationError"),
        (GOOD_PLUGIN.replace("plic_register_parts", "plic_register_partz"), "PluginValidationError"),
    ],
)
def test_broken_plugin_harms_nobody_else(site: Path, code: str, reason: str) -> None:
    write_distribution(site, "plic-broken", code)
    write_distribution(site, "plic-zero", GOOD_PLUGIN)
    broken, zero = loaded("plic-broken"), loaded("plic-zero")
    assert (broken.status, zero.status) == ("failed", "loaded")
    assert reason in broken.traceback
    assert broken.reason
    assert "\n" not in broken.reason
    assert not broken.parts


def test_interrupt_is_not_swallowed(site: Path) -> None:
    write_distribution(site, "plic-broken", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_plugins({})


def test_plugin_of_a_newer_api_asks_for_an_upgrade_of_plic(site: Path) -> None:
    write_distribution(site, "plic-new", f"PLIC_API = {hookspecs.API_VERSION + 1}")
    write_distribution(site, "plic-old", "PLIC_API = 0")
    assert "next:     upgrade plic" in loaded("plic-new").traceback
    assert "next:     upgrade the plugin" in loaded("plic-old").traceback


@pytest.mark.parametrize("value", ["plic-zero", "PLIC_Zero", "other, plic-zero", "entry"])
def test_plugin_can_be_disabled_by_distribution_or_entry_point(site: Path, value: str) -> None:
    write_distribution(site, "plic-zero", "raise RuntimeError('not even imported')", entry="entry")
    plugin = loaded("plic-zero", PLIC_DISABLE_PLUGINS=value)
    assert (plugin.status, plugin.error, plugin.parts) == ("disabled", None, ())


def test_trace_says_what_is_loaded_and_how_long_it_took(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_distribution(site, "plic-zero", GOOD_PLUGIN)
    write_distribution(site, "plic-broken", "raise RuntimeError('boom')")
    load_plugins({"PLIC_TRACE_PLUGINS": "1"})
    out, err = capsys.readouterr()
    assert out == ""
    assert "plic: plugin plic-zero [plic-zero 1.0] plic_zero: loaded in" in err
    assert "plic: plugin plic-broken [plic-broken 1.0] plic_broken: failed in" in err
    assert " ms, RuntimeError: boom" in err
    load_plugins({"PLIC_TRACE_PLUGINS": "0"})
    assert capsys.readouterr().err == ""


def test_plugin_provides_recipes(site: Path) -> None:
    code = (
        "from pathlib import Path\nfrom plic.core.hookspecs import hookimpl\nPLIC_API = 1\n"
        "@hookimpl\ndef plic_register_recipes():\n    return [str(Path(__file__).parent / 'my_recipes')]\n"
    )
    write_distribution(site, "plic-more", code)
    assert "must be an absolute path of a folder" in loaded("plic-more").traceback
    (site / "my_recipes").mkdir()
    (site / "my_recipes" / "mine.yaml").write_text(BASE)
    assert loaded("plic-more").recipe_folders == (site / "my_recipes",)


# --- the registry ---------------------------------------------------------------------------------------------------


def test_unknown_part_says_what_there_is_and_what_is_near() -> None:
    with pytest.raises(UnknownName) as caught:
        fake_registry().part("head", "norml")
    message = str(caught.value)
    assert "no head is called 'norml'" in message
    assert "one of mixture, normal" in message
    assert "near:     normal" in message


def test_unknown_slot() -> None:
    with pytest.raises(UnknownName, match="there is no slot 'haed'"):
        fake_registry().part("haed", "normal")


def test_part_of_a_known_plugin_is_answered_with_the_pip_line() -> None:
    catalogue = Catalogue(providers=(KnownProvider("plic-student-t", frozenset({("head", "student-t")})),))
    with pytest.raises(UnknownName, match="pip install plic-student-t"):
        fake_registry(catalogue=catalogue).part("head", "student-t")


def test_a_provider_that_is_on_no_index_says_how_it_is_installed(tmp_path: Path) -> None:
    path = tmp_path / "registry.yaml"
    path.write_text("providers: {plic_T: {head: [t], install: pip install ./t}}\n")
    catalogue = read_catalogue(path)
    with pytest.raises(UnknownName, match=r"next: +plic_T provides it: pip install \./t$"):
        fake_registry(catalogue=catalogue).part("head", "t")
    recipe = tmp_path / "base.yaml"
    recipe.write_text(BASE + "requires: {plic-t: '>=1', }\n")
    with pytest.raises(PluginError, match=r"needs plic-t>=1, which is not installed\n  next: +pip install \./t$"):
        load_recipe(recipe, registry=fake_registry(catalogue=catalogue))


def test_the_examples_are_known_to_provide_their_parts() -> None:
    catalogue = shipped_catalogue()
    for slot, part, name in (("head", "student-t", "plic-student-t"), ("transform", "wavelet", "plic-wavelet")):
        assert catalogue.providers_of(slot, part) == [name]
        folder = Path(__file__).resolve().parent.parent / "examples" / name
        assert f"pip install ./examples/{name}" in catalogue.install_line(name)
        assert (folder / "pyproject.toml").exists()


def test_part_of_a_failed_plugin_raises_with_its_traceback(tmp_path: Path) -> None:
    boom = RuntimeError("boom")
    broken = Plugin("t", "plic-student-t", "1.0", "student", error=boom, traceback="Traceback: boom at line 7")
    catalogue = Catalogue(providers=(KnownProvider("plic-student-t", frozenset({("head", "student-t")})),))
    recipe = tmp_path / "base.yaml"
    recipe.write_text(BASE.replace("normal", "student-t"))
    with pytest.raises(PluginError, match=r"(?s)needs the plugin plic-student-t 1.0.*boom at line 7") as caught:
        load_recipe(recipe, registry=fake_registry(broken, catalogue=catalogue))
    assert caught.value.__cause__ is boom


def test_broken_builtin_parts_raise_with_their_traceback() -> None:
    builtin = Plugin("builtin", "plic", "", BUILTIN, error=ImportError("boom"), traceback="Traceback: boom at line 7")
    with pytest.raises(PluginError, match=r"(?s)head 'normal' needs the plugin plic \(built-in\).*boom at line 7"):
        Registry([builtin]).part("head", "normal")


def test_unknown_part_mentions_plugins_that_failed() -> None:
    boom = RuntimeError("boom")
    broken = Plugin("t", "plic-t", "1.0", "t", error=boom, traceback="Traceback: boom")
    with pytest.raises(UnknownName, match=r"plic-t 1.0 failed to load and may provide it") as caught:
        fake_registry(broken).part("head", "student-t")
    assert caught.value.__cause__ is boom


def test_part_of_a_disabled_plugin_says_so() -> None:
    disabled = Plugin("t", "plic-t", "1.0", "t", disabled=True)
    catalogue = Catalogue(providers=(KnownProvider("plic_T", frozenset({("head", "t")})),))
    with pytest.raises(PluginError, match="take t out of PLIC_DISABLE_PLUGINS"):
        fake_registry(disabled, catalogue=catalogue).part("head", "t")


def test_two_providers_are_an_error_only_when_the_part_is_used() -> None:
    rival = Plugin("rival", "plic-rival", "2.0", "rival", parts=(PARTS[0],))
    registry = fake_registry(rival)
    assert registry.ids("transform") == ["pool"]
    assert registry.part("head", "normal")
    with pytest.raises(PluginError) as caught:
        registry.part("transform", "pool")
    message = str(caught.value)
    assert "fakes 1.0, plic-rival 2.0" in message
    assert "pip uninstall plic-rival, or set PLIC_DISABLE_PLUGINS=rival" in message


def test_rival_of_a_builtin_part(site: Path) -> None:
    write_distribution(site, "plic-mse", GOOD_PLUGIN.replace('"zero"', '"mse"'))
    with pytest.raises(PluginError, match=r"got:      plic \(built-in\), plic-mse 1.0"):
        Registry(load_plugins({})).part("distortion", "mse")
    assert Registry(load_plugins({"PLIC_DISABLE_PLUGINS": "plic-mse"})).part("distortion", "mse")


def test_default_registry_is_loaded_once() -> None:
    assert default_registry() is default_registry()


# --- the catalogue --------------------------------------------------------------------------------------------------


def test_shipped_catalogue_is_valid() -> None:
    assert shipped_catalogue().default


def test_catalogue_is_read(tmp_path: Path) -> None:
    path = tmp_path / "registry.yaml"
    digest = "0" * 64
    path.write_text(
        f"default: house\nweights:\n  house: {{file: h.safetensors, sha256: '{digest}', qualities: 6, bytes: 9,"
        " measured: {psnr: [30]}}\nproviders:\n  plic-t: {head: [t, u]}\n"
    )
    catalogue = read_catalogue(path)
    assert (catalogue.weights["house"].qualities, catalogue.weights["house"].size) == (6, 9)
    assert catalogue.providers_of("head", "u") == ["plic-t"]
    assert catalogue.providers_of("coder", "u") == []


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[]", "the catalogue is malformed"),
        ("default: 3", "default is malformed"),
        ("default: house\nwieghts: {}", "the catalogue is malformed"),
        ("default: house\nweights: {house: {file: a}}", "weights.house.sha256 is malformed"),
        ("default: house\nproviders: {p: {head: t}}", "providers.p.head is malformed"),
        ("default: [", "cannot be read"),
    ],
)
def test_malformed_catalogue(tmp_path: Path, text: str, where: str) -> None:
    path = tmp_path / "registry.yaml"
    path.write_text(text)
    with pytest.raises(PlicError, match=where):
        read_catalogue(path)


# --- the hooks ------------------------------------------------------------------------------------------------------


def test_every_hook_is_documented() -> None:
    hooks = [value for name, value in vars(hookspecs).items() if name.startswith("plic_")]
    guide = (Path(__file__).parent.parent / "docs" / "plugins.md").read_text(encoding="utf-8")
    assert hooks
    for hook in hooks:
        assert "Since " in (hook.__doc__ or ""), f"{hook.__name__} does not say since which API version"
        assert hook.__name__ in guide, f"docs/plugins.md does not mention {hook.__name__}"


def test_the_guides_plugin_works(site: Path, tmp_path: Path) -> None:
    guide = (Path(__file__).parent.parent / "docs" / "plugins.md").read_text(encoding="utf-8")
    write_distribution(site, "plic-charbonnier", guide.split("```python\n")[1].split("```")[0])
    registry = fake_registry(loaded("plic-charbonnier"))
    recipe = tmp_path / "base.yaml"
    recipe.write_text(BASE + "distortion: {use: charbonnier, epsilon: 0.01}\nrequires: {plic-charbonnier: '>=1'}\n")
    parts = build_parts(load_recipe(recipe, registry=registry), registry)
    assert vars(parts.distortion) == {"epsilon": 0.01}
    recipe.write_text(recipe.read_text().replace("0.01}", "0}"))
    with pytest.raises(RecipeError, match="greater than 0"):
        load_recipe(recipe, registry=registry)


def test_importing_plic_is_light_and_silent() -> None:
    code = (
        "import sys, plic, plic.core.errors, plic.core.registry, plic.core.plugins\n"
        "heavy = {'torch', 'numpy', 'numba', 'pydantic', 'yaml'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
