"""From names to the files of a distribution, written all or not at all."""

from __future__ import annotations

import ast
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from string import Template
from textwrap import indent
from typing import Any

import yaml

from ..errors import FileError, PluginError
from ..hookspecs import API_VERSION
from ..registry import SLOTS
from .names import Names

TEMPLATES = Path(__file__).resolve().parent / "templates"
FILES = {
    "pyproject.toml": "pyproject",
    "README.md": "readme",
    ".gitignore": "gitignore",
    ".github/workflows/ci.yml": "ci",
    "src/${module}/__init__.py": "init",
    "src/${module}/${part_module}.py": "part_${slot}",
    "src/${module}/contracts.py": "contracts",
    "tests/test_${part_module}.py": "test_part",
}
"""Paths in a distribution, and the templates that they are made from."""
RECIPE_FILES = {"recipe.yaml": "recipe", "tests/test_recipe.py": "test_recipe"}
"""More of them, for a part that a recipe can name."""
BESIDE = {
    "transform": "{use: gdn, channels: 16, latent_channels: 24}",
    "rate": "{use: fixed}",
    "side_information": "{use: hyperprior, channels: 16}",
    "context": "{use: side-only, fusion: [32]}",
    "schedule": "{use: one-step}",
    "head": "{use: gaussian}",
    "quantizer": "{use: integer}",
    "coder": "{use: range}",
    "distortion": "{use: mse}",
}
"""What the recipe that a part is tried with has in the other slots."""


def write_distribution(names: Names, folder: Path) -> list[Path]:
    """Write a distribution.

    Args:
        names: of everything in it.
        folder: where to put it, as a new folder with the name of the distribution.

    Returns:
        The files, relative to the new folder.

    Raises:
        PluginError: the class of the part would be called like something that its module needs.
        FileError: the new folder exists, or cannot be written.
    """
    target = folder / names.distribution
    if target.exists() or target.is_symlink():
        raise FileError(
            f"{target} exists already",
            expected="a folder that is not there yet",
            hint="give another name, another folder (--out DIR), or remove it",
        )
    files = render(names)
    _check_class(names, files)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".plic-new-") as temporary:
            whole = Path(temporary) / names.distribution
            for path, text in files.items():
                (whole / path).parent.mkdir(parents=True, exist_ok=True)
                (whole / path).write_text(text, encoding="utf-8", newline="\n")
            shutil.move(whole, target)
    except OSError as error:
        raise FileError(
            f"{target} cannot be written", got=error.strerror or error, hint="give another folder: --out DIR"
        ) from error
    return sorted(files)


def render(names: Names) -> dict[Path, str]:
    """The text of each file, by its path in the distribution."""
    facts = _facts(names)
    templates = FILES | (RECIPE_FILES if names.slot in SLOTS else {})
    written = {Template(path).substitute(facts): _filled(name, facts) for path, name in templates.items()}
    return {Path(path): text for path, text in written.items()} | {Path("src", names.module, "py.typed"): ""}


def _facts(names: Names) -> dict[str, str]:
    """What the templates are filled with."""
    about: dict[str, Any] = yaml.safe_load((TEMPLATES / "slots.yaml").read_text(encoding="utf-8"))[names.slot]
    beside = about.get("beside", {})
    chosen = about.get("chosen", "")
    filled = BESIDE | beside | {names.slot: f"{{use: {names.part}{chosen}}}"}
    facts = {
        "distribution": names.distribution,
        "module": names.module,
        "slot": names.slot,
        "part": names.part,
        "part_module": names.part_module,
        "cls": names.cls,
        "contract": names.slot.title().replace("_", "") + "Contract",
        "api": str(API_VERSION),
        "requirement": _requirement(),
        "summary": about["summary"],
        "attributes": indent(about.get("attributes", ""), "    "),
        "chosen": chosen,
        "lambdas": beside.get("lambdas", "0.01"),
        "slots": "\n".join(f"{slot}: {filled[slot]}" for slot in SLOTS),
    }
    return facts | {"use": _filled("use_recipe" if names.slot in SLOTS else "use_tool", facts).strip()}


def _filled(template: str, facts: dict[str, str]) -> str:
    path = TEMPLATES / f"{Template(template).substitute(facts)}.txt"
    return Template(path.read_text(encoding="utf-8")).substitute(facts).rstrip() + "\n"


def _requirement() -> str:
    try:
        return f"plic>={version('plic')}"
    except PackageNotFoundError:  # run from a folder that is not installed
        return "plic"


def _check_class(names: Names, files: dict[Path, str]) -> None:
    """Refuse a class that hides what its module imports, or the other way round."""
    tree = ast.parse(files[Path("src", names.module, f"{names.part_module}.py")])
    bound = [
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    if names.cls in bound or f"{names.cls}Contract" == _facts(names)["contract"]:
        raise PluginError(
            f"the class of a part {names.part!r} would be called {names.cls!r}, which its module imports",
            hint="give the part another id: --part ID",
        )
