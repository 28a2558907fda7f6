"""Plugins that are broken in one way or another: told of, explained, and no harm to anything else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from commands import run
from distributions import install, site_on_path
from fakes import GOOD_PLUGIN
from small import SMALL, photograph, small_frozen

from plic.cli import main
from plic.core.errors import PlicError, PluginError
from plic.core.evaluation import evaluate, extra_metrics, read_evaluations
from plic.core.plugins import load_plugins
from plic.core.registry import Registry
from plic.core.training import callbacks_named

COMMANDS = ("plic.commands",)
HEAD = "from plic.core.hookspecs import hookimpl\nPLIC_API = 1\n"
COMMAND = (
    HEAD
    + """
import click
@click.command("greet")
@click.option("--fail", is_flag=True)
def greet(fail):
    'Greet.'
    if fail:
        raise RuntimeError("boom")
    click.echo("hello")
@hookimpl
def plic_register_commands(): return [greet]
"""
)
METRIC = (
    HEAD
    + """
from plic.core.metric import MetricSpec
def odd(reference, decoded): raise RuntimeError("boom")
@hookimpl
def plic_register_metrics(): return [MetricSpec("odd", odd, better="lower")]
"""
)
CALLBACK = (
    HEAD
    + """
from plic.core.callback import Callback
class Noisy(Callback):
    id = "noisy"
    def METHOD(self, *arguments): raise RuntimeError("boom")
@hookimpl
def plic_register_callbacks(): return [Noisy]
"""
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    with site_on_path(tmp_path / "site") as folder:
        yield folder


def facts() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("plugins", "--json").stdout)
    return found


# --- what hooks give ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("from pathlib import Path\n@hookimpl\ndef plic_register_catalogues(): return [Path('a.yaml')]", "absolute"),
        ("@hookimpl\ndef plic_register_metrics(): return [max]", "must give MetricSpec"),
        (METRIC.replace('"odd", odd', '"Odd one", odd'), "'Odd one' is no id"),
        (METRIC.replace("odd, better", "3, better"), "metric 'odd' has no function"),
        (METRIC.replace('"lower"', '"less"'), "metric 'odd' has no direction"),
        (METRIC.replace("return [", "return 2 * ["), "metric 'odd' is registered twice"),
        (METRIC.replace("return [", "1 / 0 # "), "ZeroDivisionError"),
        (CALLBACK.replace("[Noisy]", "[Noisy()]"), "give the class, not an instance"),
        (CALLBACK.replace('id = "noisy"', ""), "None is no id"),
        (CALLBACK.replace("METHOD(self", "__init__(self, size"), "cannot be made without arguments"),
        (COMMAND, "no entry point says so"),
    ],
)
def test_what_is_not_as_documented_is_refused(site: Path, code: str, reason: str) -> None:
    install(site, "plic-odd", code if code.startswith(HEAD) else HEAD + code)
    install(site, "plic-zero", GOOD_PLUGIN)
    odd, zero = load_plugins({})[1:]
    assert (odd.status, odd.api, zero.status) == ("failed", 1, "loaded")
    assert reason in odd.traceback


def test_commands_must_be_clicks(site: Path) -> None:
    install(site, "plic-odd", COMMAND.replace("return [greet]", "return [print]"), groups=COMMANDS)
    plugin = load_plugins({})[1]
    assert "decorate the function with @click.command()" in plugin.traceback


# --- commands -------------------------------------------------------------------------------------------------------


def test_help_goes_on_without_a_broken_plugin(site: Path) -> None:
    install(site, "plic-broken", "raise RuntimeError('boom')", groups=COMMANDS)
    install(site, "plic-greet", COMMAND, groups=COMMANDS)
    text = run("--help").stdout
    assert "Commands of plic-greet 1.0:\n  greet  Greet." in text
    assert "plic-broken 1.0  RuntimeError: boom" in text
    assert run("greet").stdout == "hello\n"
    assert "plic-broken 1.0 failed to load and may provide it" in run("nonsense", code=2).stderr


def test_plugins_without_commands_cost_help_nothing(site: Path) -> None:
    install(site, "plic-slow", "raise SystemExit('imported')")
    assert "plic-slow" not in run("--help").output


def test_built_in_command_goes_before_a_plugins(site: Path) -> None:
    install(site, "plic-greet", COMMAND.replace('"greet"', '"inspect"'), groups=COMMANDS)
    assert "Print what a .plic file says" in run("inspect", "--help").stdout
    assert "plic-greet" not in run("--help").stdout
    assert facts()["conflicts"] == ["command 'inspect' of plic-greet 1.0 is never reached: plic has one of that name"]


def test_command_with_two_providers_is_an_error_when_it_is_called(site: Path) -> None:
    for name in ("plic-a", "plic-b"):
        install(site, name, COMMAND, groups=COMMANDS)
    assert "Commands of plic-b 1.0" in run("--help").stdout
    assert "command 'greet' is provided by 2 plugins" in run("greet", code=2).stderr
    assert "command 'greet' is provided by 2 plugins" in facts()["conflicts"][0]


def test_exception_in_a_command_names_the_plugin(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = install(site, "plic-greet", COMMAND, groups=COMMANDS) / "__init__.py"
    stderr = run("greet", "--fail", code=2).stderr
    assert "plic: the plugin plic-greet 1.0 failed" in stderr
    assert f"RuntimeError: boom ({file}, line 10, in greet)" in stderr
    assert "No such option" in run("greet", "--nonsense", code=2).stderr
    monkeypatch.setenv("PLIC_DEBUG", "1")
    assert isinstance(CliRunner().invoke(main, ["greet", "--fail"]).exception, RuntimeError)


# --- metrics --------------------------------------------------------------------------------------------------------


def test_metric_that_fails_names_the_plugin_and_the_picture(site: Path) -> None:
    install(site, "plic-odd", METRIC)
    (site / "pictures").mkdir()
    photograph(32, 32).save(site / "pictures" / "a.png")
    with pytest.raises(PluginError, match=r"(?s)metric 'odd' of plic-odd 1.0 failed on a.png.*RuntimeError: boom"):
        evaluate(small_frozen("balle2018"), site / "pictures", metrics=extra_metrics(["odd"]))


def test_metrics_that_nobody_or_two_provide(site: Path) -> None:
    for name in ("plic-a", "plic-b"):
        install(site, name, METRIC)
    with pytest.raises(PluginError, match="metric 'odd' is provided by 2 plugins"):
        extra_metrics(["odd"])
    with pytest.raises(PlicError, match=r"(?s)no metric is called 'od'.*near:     odd"):
        extra_metrics(["od"])
    with pytest.raises(PlicError, match="'psnr' is always measured"):
        extra_metrics(["psnr"])


def test_results_of_before_there_were_metrics_are_read(site: Path) -> None:
    from evaluated import draw_pictures, write_results

    file = write_results(site / "r.json", draw_pictures(site / "pictures", 1, (32, 32)), levels=[0], keep=False)
    content = json.loads(file.read_text())
    content["plic_evaluation"] = 2
    evaluation = content["evaluations"][0]
    quality = evaluation["qualities"][0]
    for record in (evaluation, quality["mean"], quality["images"][0]):
        assert record.pop("metrics") == {}
    file.write_text(json.dumps(content))
    assert read_evaluations(file)[0].metrics == {}


# --- callbacks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "step"), [("on_start", 0), ("on_log", 1), ("on_checkpoint", 2), ("on_end", 2)])
def test_callback_that_fails_ends_training_after_a_checkpoint(site: Path, method: str, step: int) -> None:
    import torch

    install(site, "plic-noisy", CALLBACK.replace("METHOD", method))
    Path("photographs").mkdir()
    photograph(64, 64).save("photographs/a.png")
    changes = {**SMALL["balle2018"], "training.crop": 64, "training.batch": 1}
    settings = [part for key, value in changes.items() for part in ("--set", f"{key}={json.dumps(value)}")]
    command = ["train", "balle2018", "--data", "photographs", *settings, "--lambda", "0.01", "--steps", "2"]
    stderr = run(*command, "--log-every", "1", "--out", "run", "--callback", "noisy", code=2).stderr
    assert f"the callback 'noisy' of plic-noisy 1.0 failed in {method}" in stderr
    assert "RuntimeError: boom" in stderr
    assert torch.load("run/checkpoint.pt", weights_only=False)["step"] == step
    run(*command, "--log-every", "1", "--out", "run", "--resume")
    steps = [json.loads(line)["step"] for line in Path("run/log.jsonl").read_text().splitlines()]
    assert steps == [1, 2]


def test_callback_that_nobody_provides(site: Path) -> None:
    install(site, "plic-noisy", CALLBACK)
    with pytest.raises(PlicError, match=r"(?s)no callback is called 'nosy'.*near:     noisy"):
        callbacks_named(["nosy"])


# --- parts ----------------------------------------------------------------------------------------------------------


def test_part_with_untyped_settings_is_a_fault_of_its_own(site: Path) -> None:
    untyped = "class Untyped(Zero):\n    def __init__(self, *, strength=1): pass\n\n\n@hookimpl"
    code = GOOD_PLUGIN.replace("@hookimpl", untyped).replace(
        "Zero)]", "Zero), PartSpec('distortion', 'untyped', Untyped)]"
    )
    install(site, "plic-zero", code)
    found = facts()
    assert found["plugins"][1]["status"] == "loaded"
    (fault,) = found["faults"]
    assert "distortion 'untyped' (plic-zero 1.0) does not describe its settings" in fault
    assert "the parameter 'strength' has no annotation" in fault
    assert f"fault    {fault}" in run("plugins").stdout
    for name, code_ in (("zero", 0), ("untyped", 2)):
        Path(f"{name}.yaml").write_text(f"plic: 1\nname: {name}\nextends: balle2018\ndistortion: {{use: {name}}}\n")
        run("recipes", f"{name}.yaml", code=code_)


def test_part_that_raises_while_it_is_built_names_the_plugin(site: Path) -> None:
    code = GOOD_PLUGIN.replace("    def __call__", "    def __init__(self):\n        {}['key']\n\n    def __call__")
    install(site, "plic-zero", code)
    Path("zero.yaml").write_text("plic: 1\nname: zero\nextends: balle2018\ndistortion: {use: zero}\n")
    stderr = run("recipes", "zero.yaml", code=2).stderr
    assert "plic: the plugin plic-zero 1.0 failed" in stderr
    assert "KeyError: 'key' (" in stderr
    run("recipes", "balle2018")


# --- the list -------------------------------------------------------------------------------------------------------


def test_list_says_what_each_plugin_is_and_does(site: Path) -> None:
    install(site, "plic-greet", COMMAND + METRIC.removeprefix(HEAD), groups=("plic", *COMMANDS))
    install(site, "plic-old", "PLIC_API = 0")
    found = facts()
    greet, old = found["plugins"][1:]
    assert found["api"] == 1
    assert [greet[key] for key in ("distribution", "version", "api", "status")] == ["plic-greet", "1.0", 1, "loaded"]
    assert (greet["commands"], greet["metrics"], greet["parts"]) == (["greet"], ["odd"], [])
    assert greet["seconds"] >= 0
    assert greet["help_seconds"] >= 0
    assert (old["api"], old["status"]) == (0, "failed")
    assert "upgrade the plugin" in old["traceback"]
    assert found["metrics"] == {"odd": {"provider": "plic-greet 1.0", "better": "lower", "unit": ""}}
    text = run("plugins").stdout
    assert "loaded   plic-greet 1.0: plic-greet (plic_greet), written for hooks 1, " in text
    assert "    commands: greet\n    metrics: odd\n" in text
    assert "failed   plic-old 1.0: plic-old (plic_old), written for hooks 0, " in text
    registry = Registry(load_plugins({"PLIC_DISABLE_PLUGINS": "plic-greet"}))
    assert registry.metrics == {}
