"""docs/systems.md: it says what the recipes amount to, and how each published figure is known."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
ENTRIES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docs" / "published.yaml").read_text(encoding="utf-8"))
MARKS = set(re.findall(r"^\| (\w+) \| ", PAGE.partition("| mark |")[2].partition("\n\n")[0], re.MULTILINE))


def figures() -> Iterator[tuple[str, dict[str, str]]]:
    """What stands for a figure in the data, with its recipe: every mapping in a list."""
    for name, entry in ENTRIES.items():
        for values in entry.values():
            yield from ((name, value) for value in values if isinstance(value, dict))


def test_page_is_up_to_date() -> None:
    command: list[str | Path] = [sys.executable, ROOT / "docs" / "systems.py", "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_every_recipe_has_an_entry_and_every_entry_a_recipe() -> None:
    assert set(ENTRIES) == {path.stem for path in (ROOT / "recipes").glob("*.yaml")}


def test_every_figure_carries_a_mark_and_a_source() -> None:
    assert len(MARKS) >= 6
    for name, figure in figures():
        assert figure.keys() == {"value", "mark", "source"}, name
        assert figure["mark"] in MARKS, name


def test_every_published_figure_of_the_table_shows_its_mark() -> None:
    table = PAGE.partition("## Size and speed")[2].partition("## One by one")[0]
    head, _, *lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    published = [index for index, title in enumerate(head) if title.startswith("published")]
    assert len(published) == 4
    assert len(lines) == len(ENTRIES)
    for line in lines:
        for index in published:
            assert line[index] == "-" or re.fullmatch(rf".+ \[({'|'.join(MARKS)})\]", line[index]), line[0]
