"""`plic plugin new`: a part for every slot that keeps its contract, clean code, names that are refused."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from plic.cli import main
from plic.core.commands.scaffolding import new_distribution
from plic.core.errors import FileError, PlicError, PluginError, UnknownName
from plic.core.plugins import Plugin
from plic.core.recipe import build_parts, load_recipe
from plic.core.recipe.yaml_source import read_yaml
from plic.core.registry import SLOTS, TOOLS, Registry, default_registry
from plic.core.scaffold.names import LONGEST
from plic.core.slots import Transform
from plic.testing import CONTRACTS, Contract

TREE = Path(__file__).resolve().parent.parent
ALL = (*SLOTS, *TOOLS)
BIN = Path(sysconfig.get_path("scripts"))


def name_for(slot: str) -> str:
    return f"plic-trial-{slot.replace('_', '-')}"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a distribution for every slot; the longest names that are allowed for some."""
    folder = tmp_path_factory.mktemp("generated")
    for slot in ALL:
        new_distribution(name_for(slot), slot, out=str(folder))
        short = slot.replace("_", "")[:8]
        new_distribution(
            f"{short}{'-long' * 9}"[:LONGEST].rstrip("-"), slot, f"{short}{'wide' * 9}"[:LONGEST], str(folder)
        )
    return folder


@pytest.fixture
def importable(generated: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The generated packages can be imported."""
    for source in generated.glob("*/src"):
        monkeypatch.syspath_prepend(str(source))
    yield
    for name in [name for name in sys.modules if name.startswith("plic_")]:
        del sys.modules[name]


# --- what is written ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slot", ALL)
@pytest.mark.usefixtures("importable")
def test_the_part_of_every_slot_keeps_its_contract(slot: str) -> None:
    contracts = import_module(f"{name_for(slot).replace('-', '_')}.contracts")
    (stated,) = (
        kind
        for kind in vars(contracts).values()
        if isinstance(kind, type) and issubclass(kind, Contract) and kind.__module__ == contracts.__name__
    )
    assert issubclass(stated, CONTRACTS[slot])
    checks = type("Trial", (stated,), {"examples": 2})()
    names = [name for name in dir(checks) if name.startswith("test_")]
    assert len(names) >= 7
    for name in names:
        getattr(checks, name)()


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.usefixtures("importable")
def test_the_recipe_of_every_slot_can_be_built(generated: Path, tmp_path: Path, slot: str) -> None:
    name = name_for(slot)
    parts = tuple(import_module(name.replace("-", "_")).plic_register_parts())
    plugin = Plugin(name, name, "0.1.0", name.replace("-", "_"), parts=parts)
    recipe = generated / name / "recipe.yaml"
    assert read_yaml(recipe).data["requires"] == {name: ">=0.1"}
    registry = Registry([*default_registry().plugins, plugin])
    changed = tmp_path / "recipe.yaml"
    changed.write_text(recipe.read_text().replace("requires:", "notes: needs #"))  # it is not installed here
    built = build_parts(load_recipe(changed, registry=registry), registry)
    assert type(getattr(built, slot)) is parts[0].cls


def test_a_distribution_is_complete(generated: Path) -> None:
    folder = generated / "plic-trial-head"
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {
        ".github/workflows/ci.yml",
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "recipe.yaml",
        "src/plic_trial_head/__init__.py",
        "src/plic_trial_head/contracts.py",
        "src/plic_trial_head/py.typed",
        "src/plic_trial_head/trial_head.py",
        "tests/test_recipe.py",
        "tests/test_trial_head.py",
    }
    assert not [path for path in generated.rglob("*.*") if path.is_file() and "${" in _without_actions(path)]
    assert not list(generated.glob(".plic-new-*"))


def _without_actions(path: Path) -> str:
    """A file's text, but for what GitHub fills in."""
    return path.read_text(encoding="utf-8").replace("${{ matrix.python }}", "")


def test_ruff_finds_nothing(generated: Path) -> None:
    for command in (["check", "--no-cache"], ["format", "--no-cache", "--check"]):
        done = subprocess.run([BIN / "ruff", *command, generated], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_mypy_finds_nothing(generated: Path, tmp_path: Path) -> None:
    """As strict as plic is, whose configuration and cache are used: without, torch would be read anew for this."""
    (tmp_path / "plic").symlink_to(TREE)  # mypy does not follow an editable installation of this shape
    folders = sorted(generated.glob("plic-trial-*"))
    path = ":".join(map(str, [tmp_path, *(folder / "src" for folder in folders)]))
    packages = [f"-p{folder.name.replace('-', '_')}" for folder in folders]
    options = ["--strict", "--cache-dir", str(TREE / ".mypy_cache"), "--config-file", str(TREE / "pyproject.toml")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *packages],
        env={"MYPYPATH": path, "PATH": str(BIN)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert f"{3 * len(packages)} source files" in output, output
    assert not [line for line in done.stdout.splitlines() if "plic_trial_" in line], output  # plic has its own check


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_says_what_it_wrote_and_what_is_next(tmp_path: Path) -> None:
    arguments = ["plugin", "new", "plic-other", "--slot", "side-information", "--part", "half", "--out", str(tmp_path)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert f"-> {tmp_path / 'plic-other' / 'src' / 'plic_other' / 'half.py'}" in done.output
    assert f"cd {tmp_path / 'plic-other'}\n" in done.output
    assert "plic plugin check plic-other" in done.output
    assert "class Half(SideInformation):" in (tmp_path / "plic-other/src/plic_other/half.py").read_text()


@pytest.mark.parametrize(
    ("name", "slot", "part", "kind", "message"),
    [
        ("Plic_T", "head", None, PluginError, r"'Plic_T' is no name of a distribution(?s:.*)near:     plic-t\n"),
        ("plic-" + "x" * 40, "head", None, PluginError, "at most 32 characters"),
        ("2d-plic", "head", None, PluginError, "a letter first"),
        ("../evil", "head", None, PluginError, "'../evil' is no name of a distribution"),
        ("import", "head", "t", PluginError, r"'import' is a word of Python(?s:.*)plic-import"),
        ("plic", "head", "t", PluginError, "a module 'plic' is installed already"),
        ("json", "head", "t", PluginError, "a module 'json' is installed already"),
        ("torch", "head", "t", PluginError, "a module 'torch' is installed already"),
        ("plic-t", "haed", None, UnknownName, r"there is no slot 'haed'(?s:.*)near:     head"),
        ("plic-t", "head", "gaussian", PluginError, r"'gaussian' is there already(?s:.*)--part ID"),
        ("plic-gaussian", "head", None, PluginError, r"'gaussian' is there already"),
        ("plic-t", "head", "T", PluginError, r"'T' is no id of a part(?s:.*)near:     t\n"),
        ("plic-t", "head", "class", PluginError, "cannot have a module 'class'"),
        ("plic-t", "head", "none", PluginError, "a class 'None'"),
        ("plic-t", "head", "contracts", PluginError, "cannot have a module 'contracts'"),
        ("plic-t", "head", "yes", PluginError, "would not be read as text"),
        ("plic-t", "head", "head", PluginError, "would be called 'Head', which its module imports"),
        ("plic-t", "rate", "tensor", PluginError, "would be called 'Tensor', which its module imports"),
    ],
)
def test_names_are_refused(
    tmp_path: Path, name: str, slot: str, part: str | None, kind: type[PlicError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        new_distribution(name, slot, part, out=str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "plic-t").mkdir()
    with pytest.raises(FileError, match=r"plic-t exists already(?s:.*)--out DIR"):
        new_distribution("plic-t", "head", out=str(tmp_path))
    assert not list((tmp_path / "plic-t").iterdir())


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    done = CliRunner().invoke(main, ["plugin", "new", "plic-t", "--slot", "head", "--out", str(tmp_path / "file")])
    assert done.exit_code == 2
    assert "cannot be written" in done.output
    assert "--out DIR" in done.output


@pytest.mark.usefixtures("importable")
def test_the_transform_is_orthonormal() -> None:
    """What the README of the distribution says of it: without rounding, a picture comes back as it was."""
    import torch

    part: Transform = import_module("plic_trial_transform").TrialTransform(block=4, step=1.0)
    x = torch.rand(1, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    y = part.analysis(x)
    torch.testing.assert_close(part.synthesis(y), x)
    torch.testing.assert_close(y.square().sum(), (x - 0.5).square().sum())
