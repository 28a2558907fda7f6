"""What lists look like: ranges instead of long series, and lines that a narrow terminal holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import run
from distributions import install, site_on_path

from plic.core.commands.trying import Row
from plic.core.probability import BUILT_IN, write_families

TABLES = """
from pathlib import Path
from plic.core.callback import Callback
from plic.core.hookspecs import hookimpl
from plic.core.probability import FamilyFile

PLIC_API = 1

class Patient(Callback):
    id = "patient"
    about = "waits " + "and waits " * 12 + "until the run has come to its end"

@hookimpl
def plic_register_families(): return [FamilyFile(Path(__file__).with_name("t.npz"), sha256="DIGEST")]
@hookimpl
def plic_register_callbacks(): return [Patient]
"""
NAMES = [*(f"rung-{number}" for number in range(2, 13)), "alone", "two-1", "two-2"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    with site_on_path(tmp_path / "site") as folder:
        yield folder


def install_tables(site: Path) -> None:
    table = next(family.table for family in BUILT_IN if family.name == "laplacian")
    digest = write_families(site / "t.npz", dict.fromkeys(NAMES, table - (table == 1)))
    package = install(site, "plic-tables", TABLES.replace("DIGEST", digest))
    (site / "t.npz").rename(package / "t.npz")


def test_a_long_series_of_families_is_a_range_for_people_and_whole_in_json(site: Path) -> None:
    install_tables(site)
    text = run("plugins").stdout
    assert "    families: rung-2 ... rung-12 (11), alone, two-1, two-2\n" in text
    rows = text.partition("\nfamilies\n")[2].partition("\n\n")[0].splitlines()
    assert [row.split("  plic-tables")[0].strip() for row in rows] == [
        "alone",
        "rung-2 ... rung-12 (11)",
        "two-1",
        "two-2",
    ]
    facts = json.loads(run("plugins", "--json").stdout)
    assert set(facts["families"]) == set(NAMES)
    assert {name for one in facts["plugins"] for name in one["families"]} == set(NAMES)


def test_the_last_column_is_wrapped_on_a_terminal_only(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_tables(site)
    monkeypatch.delenv("COLUMNS", raising=False)  # test runners may set it
    wide = run("plugins").stdout
    monkeypatch.setenv("COLUMNS", "80")
    narrow = run("plugins").stdout
    assert max(map(len, wide.splitlines())) > 120
    rows = narrow.partition("\ncallbacks\n")[2].splitlines()
    assert rows[0].startswith("  patient  plic-tables 1.0  waits and waits")
    assert max(map(len, rows)) <= 80
    assert all(row.startswith(" " * 28) for row in rows[1:])
    assert _without_times(narrow) == _without_times(wide)


def _without_times(text: str) -> list[str]:
    """Words of a list, without the numbers: milliseconds that loading took are among them."""
    return [word for word in text.split() if not word.isdigit()]


def test_rows_of_the_check_fit_where_there_are_few_columns() -> None:
    statement = "From parameters (B, P, C, h, w) and values (B, C, h, w) follow likelihoods (B, C, h, w)."
    row = Row("head", "t", "", "T()", "shapes", statement, "holds", "", "")
    (one,) = row.lines(1000)
    name, *below = row.lines(76)
    assert one.startswith("holds    shapes  ")
    assert one.endswith(statement)
    assert name == "holds    shapes"
    assert max(map(len, below)) <= 76
    assert " ".join(line.strip() for line in below) == statement


@pytest.mark.parametrize("group", [(), ("plugin",), ("weights",)], ids=" ".join)
def test_no_line_of_the_list_of_commands_is_cut_off(group: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    commands = run(*group, "--help").stdout.partition("Commands:\n")[2].splitlines()
    assert commands
    assert not [line for line in commands if line.endswith("...")]
