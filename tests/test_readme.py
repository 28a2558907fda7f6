"""README and its commands: what it shows is what happens."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from small import photograph

from plic.cli import main

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what a reader of README would have made."""
    monkeypatch.chdir(tmp_path)
    photograph(96, 64).save("photo.png")
    Path("pictures").mkdir()
    photograph(176, 176).save("pictures/one.png")
    Path("mine.yaml").write_text(blocks("yaml")[0])
    return tmp_path


def test_python_examples_run() -> None:
    names: dict[str, object] = {}
    for code in blocks("python"):
        exec(compile(code, "README.md", "exec"), names)


def test_plic_commands_run() -> None:
    lines = [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines()]
    commands = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("plic ")]
    assert {command[0] for command in commands} == {
        *("encode", "inspect", "decode", "recipes", "train", "evaluate", "compare")
    }
    for command in commands:
        if command[0] != "train":  # needs photographs and hours
            result = CliRunner().invoke(main, command)
            assert result.exit_code == 0, result.output
    assert Path("decoded.png").exists()


def test_make_knows_the_commands() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^\$ make ([a-z]+)", README, re.MULTILINE)) <= targets


def test_links_and_pictures_exist() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_table_holds_every_recipe_that_is_no_variant_of_another() -> None:
    rows = re.findall(r"^\| (`[a-z0-9-]+`.*?) \|", README, re.MULTILINE)
    cells = [re.findall(r"`([a-z0-9-]+)`", row) for row in rows]
    listed = {name if name[0] != "-" else row[0].rpartition("-")[0] + name for row in cells for name in row}
    shipped = {path.stem: yaml.safe_load(path.read_text()).get("extends") for path in (ROOT / "recipes").glob("*.yaml")}
    assert listed <= set(shipped)
    assert [name for name, parent in shipped.items() if name not in listed and parent is None] == []
