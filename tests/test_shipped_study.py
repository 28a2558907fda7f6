"""docs/studies/head-and-stages: its command is what the results are of, its tables are what the results say."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from ablations import draw_folders

from plic.core.ablation import Plan, plan
from plic.core.commandline.training import ablate
from plic.core.commands.ablating import settings_of

ROOT = Path(__file__).resolve().parent.parent
STUDIES = ROOT / "docs" / "studies"
TEXT = (STUDIES / "head-and-stages.md").read_text(encoding="utf-8")
RESULTS = STUDIES / "head-and-stages"
FOUND: dict[str, Any] = json.loads((RESULTS / "cells.json").read_text(encoding="utf-8"))
METRICS = ("psnr", "ms_ssim")
ENGINE = {"engine", "dry_run", "static", "ray_address", "ray_cpus", "ray_gpus"}
MEGABYTE = 1 << 20


def commands() -> list[list[str]]:
    """As a shell would give them to plic, without its name."""
    block = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)[-1].replace("\\\n", " ")
    return [shlex.split(line)[1:] for line in block.split("$ ") if line.strip()]


def rows(name: str) -> list[list[str]]:
    """Of a table of the text, without its head."""
    table = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", TEXT, re.DOTALL)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()[2:]]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The study that the text's command would make here."""
    draw_folders(tmp_path)
    monkeypatch.chdir(tmp_path)
    name, *arguments = commands()[-1]
    assert name == "ablate"
    parsed = ablate.make_context(name, arguments).params
    return plan(settings_of(**{key: value for key, value in parsed.items() if key not in ENGINE}))


def test_the_command_is_that_of_the_results(study: Plan) -> None:
    cells = {cell["label"]: cell for cell in FOUND["cells"]}
    assert [cell.label for cell in study.cells] == list(cells)
    assert len(cells) == 12
    assert (study.settings.design.value, list(study.seeds)) == (FOUND["design"], FOUND["seeds"])
    assert json.loads(json.dumps(dict(study.settings.common))) == FOUND["common"]
    assert {one.target: [level.text for level in one.levels] for one in study.swaps} == FOUND["swaps"]
    for cell in study.cells:
        assert cell.recipe is not None, cell.failure
        assert vars(study.facts[cell.label]) == cells[cell.label]["facts"]
        assert cell.recipe.resolved()["training"] == cells[cell.label]["recipe"]["training"]


def test_the_table_of_cells_says_what_was_measured() -> None:
    table = {(row[0], row[1]): row[2:] for row in rows("cells")}
    assert len(table) == len(FOUND["cells"]) == 12
    for cell in FOUND["cells"]:
        chosen = re.findall(r"=(\w+)", cell["label"] if cell["choices"] else cell["also"][0])
        psnr, ms_ssim, parameters, encode, decode, *_ = table[chosen[0], chosen[1]]
        assert [psnr, ms_ssim] == [shown(cell["bd_rate"][metric]) for metric in METRICS]
        counts = [float(text.replace(",", "")) for text in (parameters, encode, decode)]
        facts = cell["facts"]
        assert counts == [facts["parameters"], round(facts["encode_macs"]), round(facts["decode_macs"])]


def test_the_table_of_effects_says_what_was_measured() -> None:
    table = {(row[0], row[1]): row[2:] for row in rows("effects")}
    effects = FOUND["effects"]["of"]
    assert len(table) == len(effects) == 7
    for one in effects:
        figures = [shown(one["bd_rate"][metric]) for metric in METRICS]
        assert table[one["swap"], one["value"]][::2] == figures


def shown(found: dict[str, Any]) -> str:
    """A BD-rate as the text has it."""
    if "reason" in found:
        return str(found["reason"])
    spread = "" if found["spread"] is None else f" ± {found['spread']:.1f}"
    within = ", within the spread" if found["within_spread"] else ""
    return f"{found['mean']:+.1f}{spread} %{within}"


def test_the_page_is_small_needs_nothing_and_shows_no_photograph() -> None:
    page = (RESULTS / "index.html").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in RESULTS.iterdir()) < MEGABYTE
    assert "<svg" in page
    assert not re.findall(r"<img|<image|data:image|src=|href=\"http", page)
    for cell in FOUND["cells"]:
        assert cell["label"] in page
