"""`plic plugin check`: what holds and what does not, row by row, for installed distributions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import write_distribution

from plic.core.commands.checking import Checked, check_plugins
from plic.core.commands.scaffolding import new_distribution
from plic.core.errors import PluginError, UnknownName
from plic.core.plugins import load_plugins
from plic.core.registry import Registry

ROOT = Path(__file__).resolve().parent.parent
BAD = '''
from plic.core.hookspecs import hookimpl
from plic.core.registry import PartSpec
from plic.core.slots import Distortion

PLIC_API = 1


class Bad(Distortion):
    """Never without distortion."""

    def __init__(self, *, more: float = 1.0) -> None:
        self.more = more

    def __call__(self, x, x_hat):
        if x.shape[-1] < 9:
            raise ValueError("too narrow")
        return (x - x_hat).abs().mean((1, 2, 3)) + self.more


class Untyped(Bad):
    def __init__(self, *, more=1):
        self.more = more


@hookimpl
def plic_register_parts():
    return [PartSpec("distortion", "bad", Bad), PartSpec("distortion", "untyped", Untyped)]
'''
GOODNESS = """
from plic.testing import DistortionContract
from plic_bad import Bad


class Base(DistortionContract):
    examples = 1


class BadContract(Base):
    part = Bad
    settings = {"more": 0.5}


class OtherContract(Base):
    part = "bad"
"""
DEAD = BAD.replace("        if x.shape", "        import os; os._exit(7)\n        if x.shape").replace(
    '"bad"', '"dead"'
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to install distributions into, for this process and for those that it starts."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    yield folder
    for name in [name for name in sys.modules if name.startswith("plic_")]:
        del sys.modules[name]


def check(*names: str, **options: Any) -> tuple[list[Checked], str]:
    """What is found, and what is shown."""
    shown: list[str] = []
    found = check_plugins(names, examples=1, show=shown.append, registry=Registry(load_plugins({})), **options)
    return found, "\n".join(shown)


def guide() -> str:
    return (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")


# --- what does not hold ---------------------------------------------------------------------------------------------


def test_a_broken_contract_is_told_in_the_words_of_the_guide(site: Path) -> None:
    write_distribution(site, "plic-bad", BAD.replace("if x.shape[-1] < 9", "if False"))
    (checked,), shown = check(settings=["distortion.bad.more=0.25"])
    assert not checked.holds
    outcome = {row.contract: row.outcome for row in checked.rows}
    assert outcome["identical pictures have none"] == "broken"
    assert sorted(outcome.values()) == ["broken"] + ["holds"] * 7
    for row in checked.rows:
        assert f"| {row.contract} | {row.statement} |" in guide()
        assert f"{'BROKEN' if row.outcome == 'broken' else 'holds':9}{row.contract} " in shown
    assert "distortion bad, tried as Bad(more=0.25)" in shown
    assert "identical pictures have a distortion\n" in shown
    assert "got:      0.25\n" in shown
    assert "plic-bad 1.0: 7 of 8 contracts hold, 1 broken, 1 problem beside" in shown


def test_parts_are_tried_as_their_distribution_says(site: Path) -> None:
    write_distribution(site, "plic-bad", BAD)
    (site / "plic_bad_contracts.py").write_text(GOODNESS)
    with (site / "plic_bad-1.0.dist-info" / "entry_points.txt").open("a") as file:
        file.write("[plic.contracts]\nmine = plic_bad_contracts\n")
    (checked,), shown = check("plic-bad")
    assert {(row.stated, row.described) for row in checked.rows} == {
        ("BadContract", "Bad(more=0.5)"),
        ("OtherContract", "bad()"),
    }
    assert "distortion bad, tried as BadContract says, Bad(more=0.5)" in shown
    raised = next(row for row in checked.rows if row.contract == "one number for each image")
    assert "it raised ValueError" in raised.message
    assert raised.place.startswith(f"{site / 'plic_bad.py'}:17, in __call__")
    assert f"raised:   {raised.place}" in shown


def test_untyped_settings_are_explained_and_not_tried(site: Path) -> None:
    write_distribution(site, "plic-bad", BAD.replace('PartSpec("distortion", "bad", Bad), ', ""))
    (checked,), shown = check()
    assert not checked.holds
    assert not checked.rows
    assert "    more: (no annotation) = 1\n" in shown
    assert "the parameter 'more' has no annotation" in shown
    assert "no contract was tried, 1 problem beside" in shown


def test_what_does_not_load_is_shown_with_its_traceback(site: Path) -> None:
    write_distribution(site, "plic-raises", "raise RuntimeError('boom')")
    write_distribution(site, "plic-old", "PLIC_API = 0")
    found, shown = check()
    assert [one.holds for one in found] == [False, False]
    assert "RuntimeError: boom" in shown
    assert f'File "{site / "plic_raises.py"}", line 1' in shown
    assert "expected: PLIC_API = 1" in shown


@pytest.mark.slow
def test_a_part_that_ends_the_process_is_told(site: Path) -> None:
    write_distribution(site, "plic-dead", DEAD)
    (checked,), shown = check()
    assert not checked.holds
    assert [row.outcome for row in checked.rows] == ["holds"] * 3
    assert "the process that tried its parts ended too soon, with code 7" in shown


@pytest.mark.slow
def test_contracts_that_cannot_be_imported_are_told(site: Path) -> None:
    write_distribution(site, "plic-bad", BAD)
    with (site / "plic_bad-1.0.dist-info" / "entry_points.txt").open("a") as file:
        file.write("[plic.contracts]\nmine = plic_bad_nowhere\n")
    (checked,), shown = check()
    assert not checked.holds
    assert "its contracts cannot be run" in shown
    assert "No module named 'plic_bad_nowhere'" in shown


@pytest.mark.slow
def test_two_providers_and_recipes_that_do_not_load_are_told(site: Path) -> None:
    code = BAD.replace('"bad"', '"mse"').replace(', PartSpec("distortion", "untyped", Untyped)', "") + (
        "\n\n@hookimpl\ndef plic_register_recipes():\n"
        "    from pathlib import Path\n    return [str(Path(__file__).parent / 'my_recipes')]\n"
    )
    (site / "my_recipes").mkdir()
    (site / "my_recipes" / "mine.yaml").write_text("plic: 1\nname: mine\nhead: {use: nothing}\n")
    write_distribution(site, "plic-bad", code)
    (checked,), shown = check()
    assert "distortion 'mse' is provided by 2 plugins" in shown
    assert f"recipe {site / 'my_recipes' / 'mine.yaml'} does not load" in shown
    assert len(checked.problems) == 1
    assert len(checked.rows) == 8


def test_a_disabled_plugin_does_not_hold_if_it_is_named(site: Path) -> None:
    write_distribution(site, "plic-raises", "raise RuntimeError('boom')")
    registry = Registry(load_plugins({"PLIC_DISABLE_PLUGINS": "plic-raises"}))
    assert check_plugins(registry=registry)[0].holds
    assert not check_plugins(["plic-raises"], registry=registry)[0].holds


# --- what is asked wrongly ------------------------------------------------------------------------------------------


def test_no_plugins_and_unknown_ones(site: Path) -> None:
    registry = Registry(load_plugins({})[:1])
    shown: list[str] = []
    assert check_plugins(show=shown.append, registry=registry) == []
    assert "`plic plugin new` begins one" in shown[0]
    write_distribution(site, "plic-bad", BAD)
    with pytest.raises(UnknownName, match=r"'plic-bda' is installed(?s:.*)near:     plic-bad"):
        check("plic-bda")


@pytest.mark.parametrize("setting", ["distortion.bda.more=1", "distortion.bad.more", "bad.more=1"])
def test_settings_of_no_part_are_refused(site: Path, setting: str) -> None:
    write_distribution(site, "plic-bad", BAD)
    with pytest.raises(PluginError, match=r"names no setting(?s:.*)SLOT.ID.KEY=VALUE(?s:.*)distortion.bad"):
        check(settings=[setting])


def test_the_kit_must_be_installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_distribution(site, "plic-bad", BAD)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(PluginError, match=r"needs hypothesis(?s:.*)pip install 'plic\[testing\]'"):
        check()


# --- from nothing to a plugin, as docs/publishing.md goes ------------------------------------------------------------


def run(*command: str | Path, folder: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """A command, with what is installed in ``site``."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "PLIC_"))}
    environment |= {"PYTHONPATH": str(site)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_new_distributions_pass_their_own_tests_and_the_check(tmp_path: Path) -> None:
    site, names = tmp_path / "site", ("plic-fresh-lattice", "plic-fresh-error")
    folders = [
        new_distribution(name, slot, out=str(tmp_path)).folder
        for name, slot in zip(names, ("schedule", "distortion"), strict=True)
    ]
    install = ("install", "--no-build-isolation", "--no-deps", "--no-index", "--quiet", "--target", site)
    done = run(sys.executable, "-m", "pip", *install, *folders, folder=tmp_path, site=site)
    assert done.returncode == 0, done.stderr
    tests = [folder / "tests" for folder in folders]
    options = ("-m", "pytest", "--import-mode=importlib", "--plic-examples", "2")
    done = run(sys.executable, *options, *tests, folder=tmp_path, site=site)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b2\d passed", done.stdout), done.stdout
    command = (sys.executable, "-m", "plic", "plugin", "check", names[1], "--examples", "1", "--json")
    done = run(*command, folder=tmp_path, site=site)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = json.loads(done.stdout)
    assert (found["holds"], found["distribution"], found["problems"]) == (True, f"{names[1]} 0.1.0", [])
    (part,) = found["parts"]
    assert (part["slot"], part["id"], list(part["schema"]["properties"])) == ("distortion", "fresh-error", ["epsilon"])
    assert {row["outcome"] for row in found["rows"]} == {"holds"}
    assert {row["stated"] for row in found["rows"]} == {"FreshErrorContract"}
