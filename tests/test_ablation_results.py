"""What a study concludes from results that are known: differences, spreads, main effects, page, tables."""

from __future__ import annotations

import csv
import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from ablations import COMMON, StandInEngine, curves, draw_folders, write_results
from browser import launched, opened
from click.testing import CliRunner

from plic.cli import main
from plic.core.ablation import Design, Figure, Plan, gather, plan, write_study
from plic.core.ablation.effects import effects
from plic.core.ablation.notes import notes_on
from plic.core.commands.ablating import settings_of
from plic.core.comparison import Metric, NoDifference

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "ablation.md"
SWAPS = ("head=laplacian,logistic", "transform.channels=8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    draw_folders(tmp_path)
    return tmp_path


def percent(study: Plan, label: str) -> Figure:
    found = gather(study).difference(label, Metric.PSNR)
    assert isinstance(found, Figure)
    return found


def mean(found: Figure | NoDifference) -> float:
    assert isinstance(found, Figure)
    return found.mean


def test_differences_are_means_over_seeds_with_their_spread(folder: Path) -> None:
    study = curves(folder, *SWAPS, seeds=(0, 1))
    changes = {"base": (1.0, 1.1), "head=laplacian": (0.9, 0.9 * 1.1), "head=logistic": (1.1, 1.1 * 0.99)}
    write_results(study, lambda label, seed: changes[label][seed] if label in changes else None)
    laplacian, logistic = percent(study, "head=laplacian"), percent(study, "head=logistic")
    assert [laplacian.mean, logistic.mean] == pytest.approx([-10, 4.5])
    assert [laplacian.spread, logistic.spread] == pytest.approx([0, 5.5 * 2**0.5], abs=1e-9)
    assert [laplacian.within_spread, logistic.within_spread] == [False, True]
    missing = gather(study).difference("transform.channels=8", Metric.PSNR)
    assert missing == NoDifference("waiting")


def test_one_seed_has_no_spread(folder: Path) -> None:
    study = curves(folder, *SWAPS)
    write_results(study, lambda label, _: 1.0 if label == "base" else 0.95)
    found = percent(study, "head=laplacian")
    assert found.mean == pytest.approx(-5)
    assert (found.spread, found.within_spread) == (None, False)


def test_without_pictures_of_its_own_a_study_says_what_it_was_measured_on(folder: Path) -> None:
    photographs = str(folder / "photographs")
    given = settings_of("minnen2018-mean", swaps=["head=laplacian"], data=[photographs], out=str(folder / "study"))
    study = plan(replace(given, common=COMMON))
    assert study.conditions.pictures == study.conditions.data[0]
    assert any("--pictures" in note for note in notes_on(gather(study)))
    assert not any("--pictures" in note for note in notes_on(gather(curves(folder, *SWAPS))))


def test_main_effects_of_a_grid_compare_like_with_like(folder: Path) -> None:
    study = curves(folder, "head=laplacian,logistic", "transform.channels=8,10,14", design=Design.FULL)
    factors = {"laplacian": 0.9, "logistic": 0.8, "8": 1.0, "10": 1.1, "14": 1.5}

    def rate(label: str, _: int) -> float | None:
        if label == "base":
            return 1.0
        if label == "head=logistic, transform.channels=14":
            return None  # its neighbour under the other head then counts for no head
        head, channels = (part.partition("=")[2] for part in label.split(", "))
        return factors[head] * factors[channels]

    write_results(study, rate)
    found = {(one.target, one.level): one for one in effects(gather(study)).effects}
    laplacian, logistic = found["head", "laplacian"], found["head", "logistic"]
    assert mean(laplacian.rates[Metric.PSNR]) == pytest.approx(100 * (0.9 * 1.05 - 1))
    assert mean(logistic.steps[Metric.PSNR]) == pytest.approx(100 * -0.1 * 1.05)
    assert laplacian.steps[Metric.PSNR] == NoDifference("the first value")
    assert (laplacian.cells, laplacian.of) == (2, 3)
    widest = found["transform.channels", "14"]
    assert mean(widest.rates[Metric.PSNR]) == pytest.approx(35)
    assert widest.cells == 1


def test_dropping_one_is_compared_with_all(folder: Path) -> None:
    study = curves(folder, *SWAPS, design=Design.DROP_ONE)
    rates = {"base": 1.0, "all swaps": 0.8, "all but head": 0.88, "all but transform.channels": 0.84}
    write_results(study, lambda label, _: rates[label])
    found = {one.target: one.rates[Metric.PSNR] for one in effects(gather(study)).effects}
    means = {target: one.mean for target, one in found.items() if isinstance(one, Figure)}
    assert means == {"head": pytest.approx(10), "transform.channels": pytest.approx(5)}


def test_tables_say_all_of_it(folder: Path) -> None:
    study = curves(folder, *SWAPS, "context=masked-conv", seeds=(0, 1))
    write_results(study, lambda label, seed: None if "head" in label else {"base": 1.0}.get(label, 0.9 + 0.2 * seed))
    failed = study.tasks["head=logistic", 1].folder
    failed.mkdir(parents=True)
    (failed / "failure.txt").write_text("Traceback: <b>the reason</b>")
    page, table, data = write_study(gather(study))
    lines = list(csv.DictReader(table.open()))
    measured = [line for line in lines if line["cell"] == "transform.channels=8"]
    assert [line["seed"] for line in measured] == ["0"] * 4 + ["1"] * 4 + ["mean"] * 4
    assert [line["lambda"] for line in measured[-4:]] == ["0.002", "0.005", "0.01", "0.02"]
    assert float(measured[-1]["bpp"]) == pytest.approx(1.6)
    assert float(measured[-1]["psnr_bd_rate_percent"]) == pytest.approx(0, abs=1e-6)
    assert (measured[-1]["psnr_within_spread"], measured[-1]["transform.channels"]) == ("True", "8")
    states = {line["cell"]: line["status"] for line in lines}
    assert states == {
        "base": "finished",
        "head=laplacian": "waiting",
        "head=logistic": "0 of 2 seeds, 1 failed",
        "transform.channels=8": "finished",
        "context=masked-conv": "cannot be built",
    }
    cells = {cell["label"]: cell for cell in json.loads(data.read_text())["cells"]}
    assert cells["transform.channels=8"]["bd_rate"]["psnr"]["within_spread"] is True
    assert cells["base"]["facts"]["parameters"] > cells["transform.channels=8"]["facts"]["parameters"]
    text = page.read_text()
    assert "within the spread" in text
    assert "&lt;b&gt;the reason" in text
    assert "cannot be computed along schedule" in text


def test_the_commands_of_the_guide_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("plic.core.ablation.LocalEngine", StandInEngine)
    Path("pictures").rename("kodak")
    small = {key: value for key, value in COMMON.items() if key not in ("training.lambdas", "training.steps")}
    settings = [part for key, value in small.items() for part in ("--set", f"{key}={json.dumps(value)}")]
    block = re.findall(r"```console\n(.*?)```", GUIDE.read_text(), re.DOTALL)[0]
    commands = [shlex.split(line.removeprefix("$ "))[1:] for line in block.splitlines()]
    results = [CliRunner().invoke(main, [*command, *settings], catch_exceptions=False) for command in commands]
    assert [result.exit_code for result in results] == [0, 0], results
    assert "4 of 4 runs to do, 200000 training steps each" in results[0].stdout
    lines = results[1].stdout.splitlines()[-4:]
    assert lines[0].split() == ["base", "finished", "-", "-"]
    assert lines[1].split()[:4] == ["head=laplacian", "finished", "-10.00", "%"]
    page = Path("study/index.html")
    assert page.stat().st_size > 10**6
    again = CliRunner().invoke(main, [*commands[1], *settings, "--static"], catch_exceptions=False)
    assert again.exit_code == 0
    assert page.stat().st_size < 200_000


def test_a_page_with_a_drawing_is_small(folder: Path) -> None:
    study = curves(folder, *SWAPS)
    write_results(study, lambda label, _: 1.0 if label == "base" else 0.95)
    page, table, _ = write_study(gather(study), folder / "shipped", interactive=False)
    assert {page.parent, table.parent} == {folder / "shipped"}
    text = page.read_text()
    assert len(text) < 200_000
    assert "<script" not in text
    assert "side_information.widths=[8, 8]" in text
    assert "training.steps=" not in text  # said once, as the budget
    drawing = text[text.index("<svg") : text.index("</svg>")]
    assert all(label in drawing for label in ("base", "head=laplacian", "transform.channels=8", "MS-SSIM (dB)"))


@pytest.mark.slow
def test_the_page_draws_and_needs_no_network(folder: Path) -> None:
    study = curves(folder, "head=laplacian,logistic", "transform.channels=8,10", design=Design.FULL, seeds=(0, 1))
    write_results(study, lambda label, seed: 1.0 if label == "base" else 1 + len(label) / 400 - 0.1 * seed)
    page, *_ = write_study(gather(study))
    with launched() as browser, opened(browser, page, width=360, height=740) as found:
        found.page.wait_for_selector("#plot .scatterlayer .point")
        assert found.page.locator("#plot .scatterlayer .trace").count() == 5
        assert found.page.locator("#effects tbody tr").count() == 4
        assert found.page.locator("#cells tbody tr").count() == 5
        assert found.page.evaluate("document.documentElement.scrollWidth") <= 360
        assert {url for url in found.requests if not url.startswith("data:")} == {page.as_uri()}
        assert found.complaints == []
