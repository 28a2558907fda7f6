"""What is installed: all packages and data files, and a wheel that codes a photograph where no checkout is."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

TREE = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "demo", "runs", "*.egg-info")


def table(*keys: str) -> Any:
    """A table of pyproject.toml."""
    found: Any = tomllib.loads((TREE / "pyproject.toml").read_text())
    for key in keys:
        found = found[key]
    return found


def listed_packages() -> set[str]:
    return set(table("tool", "setuptools", "packages"))


def packages_in_the_tree() -> set[str]:
    folders = {path.parent for room in ("core", "plugins") for path in (TREE / room).rglob("*.py")}
    return {"plic", *(".".join(("plic", *folder.relative_to(TREE).parts)) for folder in folders)}


def run(*command: str | Path, folder: Path) -> str:
    """Output of a command that must succeed, run where the checkout cannot be imported from."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PLIC_"))}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


# --- without a wheel ------------------------------------------------------------------------------------------------


def test_every_package_is_listed() -> None:
    assert listed_packages() == packages_in_the_tree()


def test_every_package_has_an_init() -> None:
    for package in packages_in_the_tree():
        assert (TREE.joinpath(*package.split(".")[1:]) / "__init__.py").is_file(), package


def test_importing_prints_nothing_and_is_light() -> None:
    code = (
        "import sys, plic\n"
        "heavy = {'torch', 'numpy', 'numba', 'PIL', 'yaml', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_help_needs_little_time() -> None:
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = subprocess.run([sys.executable, "-m", "plic", "--help"], capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert "encode" in result.stdout
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 0.3


# --- the wheel ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Installed:
    """A wheel in an environment of its own, which shares only plic's dependencies with this one."""

    wheel: Path
    folder: Path
    python: Path
    plic: Path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(TREE, folder / "tree", ignore=LEFT_OUT)  # building leaves files in the tree
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    run(*build, folder / "tree", folder=folder)
    shutil.rmtree(folder / "tree")
    (wheel,) = folder.glob("plic-*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "env", folder=folder)
    python = folder / "env" / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder).strip())
    # a plain line adds the folder, but not what its own .pth files say: an editable plic there stays out
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet")
    run(*pip, wheel, folder=folder)
    return Installed(wheel, folder, python, folder / "env" / "bin" / "plic")


@pytest.mark.slow
def test_wheel_holds_everything(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
    wanted = {f"plic/{path.relative_to(TREE)}" for room in ("core", "plugins") for path in (TREE / room).rglob("*.py")}
    wanted |= {f"plic/{path.relative_to(TREE)}" for path in (TREE / "core").rglob("*.npz")}
    wanted |= {f"plic/{path.relative_to(TREE)}" for path in (TREE / "plugins" / "anchor").glob("*.json")}
    wanted |= {f"plic/{path.relative_to(TREE)}" for path in (TREE / "core").glob("*/page_files/*")}
    wanted |= {f"plic/{path.relative_to(TREE)}" for path in (TREE / "core" / "scaffold" / "templates").iterdir()}
    wanted |= {
        f"plic/{name}" for name in ("__init__.py", "__main__.py", "cli.py", "testing.py", "py.typed", "registry.yaml")
    }
    wanted |= {f"plic/recipes/{path.name}" for path in (TREE / "recipes").glob("*.yaml")}
    wanted |= {f"plic/weights/{path.relative_to(TREE / 'weights')}" for path in (TREE / "weights").rglob("*.*")}
    own = {name for name in names if name.startswith("plic/")}
    assert own == wanted
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"plic"}
    for entry in yaml.safe_load((TREE / "registry.yaml").read_text())["weights"].values():
        assert f"plic/weights/{entry['file']}" in names


@pytest.mark.slow
def test_wheel_codes_a_photograph(installed: Installed) -> None:
    from skimage import data

    folder, command = installed.folder, installed.plic
    where = run(installed.python, "-c", "import plic; print(plic.__file__)", folder=folder).strip()
    assert Path(where).is_relative_to(folder / "env")
    assert TREE not in Path(where).resolve().parents
    assert run(command, "--version", folder=folder) == f"plic {table('project', 'version')}\n"
    Image.fromarray(data.chelsea()).save(folder / "cat.png")
    model = model_of(installed)
    run(command, "encode", "cat.png", "-o", "cat.plic", *model, folder=folder)
    assert "house" in run(command, "inspect", "cat.plic", folder=folder)
    run(command, "decode", "cat.plic", "-o", "back.png", *model, folder=folder)
    with Image.open(folder / "back.png") as back:
        assert (back.size, back.mode) == ((451, 300), "RGB")
        if not model:  # trained
            error = np.asarray(back).astype(np.float64) - data.chelsea()
            assert 10 * np.log10(255**2 / np.square(error).mean()) > 30


@pytest.mark.slow
def test_wheel_brings_the_conformance_kit(installed: Installed) -> None:
    test = "from plic.testing import RateContract\n\nclass TestGain(RateContract):\n    part = 'gain'\n"
    (installed.folder / "test_gain.py").write_text(test)
    output = run(installed.python, "-m", "pytest", "-m", "plic_contract", "test_gain.py", folder=installed.folder)
    assert " passed" in output
    where = run(installed.python, "-c", "import plic.testing as kit; print(kit.__file__)", folder=installed.folder)
    assert Path(where.strip()).is_relative_to(installed.folder / "env")


def model_of(installed: Installed) -> tuple[str, ...]:
    """Options that choose weights: none when those of the default recipe are shipped, else untrained ones."""
    if "house" in yaml.safe_load((TREE / "registry.yaml").read_text())["weights"]:
        return ()
    code = "import plic, pathlib; plic.build('house').eval().freeze().save(pathlib.Path('w.safetensors'))"
    run(installed.python, "-c", code, folder=installed.folder)
    return ("--model", "w.safetensors")
