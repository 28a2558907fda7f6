"""Comparisons: figures, notes, refusals, and what is written."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from evaluated import draw_pictures, write_results
from PIL import Image

from plic.cli import main
from plic.core.comparison import Comparison, Difference, Metric, NoDifference, compare, read_measured
from plic.core.comparison import pictures as pictures_module
from plic.core.comparison.figures import figure_json
from plic.core.comparison.formats import count, seconds, signed
from plic.core.comparison.page import html_page
from plic.core.comparison.pictures import data_uri, gallery
from plic.core.comparison.plot import png_plot
from plic.core.comparison.table import csv_table
from plic.core.errors import FileError, PlicError, UnknownName
from plic.core.evaluation import bd_psnr, bd_rate, overlap
from plic.core.evaluation.anchors import Anchor, load_anchors


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_pictures(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("results")
    first = write_results(folder / "a.json", pictures, model="first")
    return first, write_results(folder / "b.json", pictures, model="second", codec="WEBP")


def anchor(name: str = "known", data: str = "set", **changes: object) -> Anchor:
    """An anchor in the middle of what the stand-ins reach."""
    fields = {"id": name, "title": "A known codec", "kind": "measured", "source": "here", "data": data}
    curve = {"rate": (0.3, 1.0, 3.0), "psnr": (22.0, 27.0, 33.0), "ms_ssim": (0.88, 0.93, 0.98)}
    return Anchor.model_validate({**fields, **curve, **changes})


def compared(*files: Path, anchors: tuple[Anchor, ...] = (), **options: object) -> Comparison:
    return compare(read_measured(files), {one.id: one for one in anchors}, **options)  # type: ignore[arg-type]


def plic(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", Metric)
def test_figures_are_those_of_the_protocol(results: tuple[Path, Path], metric: Metric) -> None:
    comparison = compared(*results)
    first, second = comparison.rows
    assert first.is_reference
    assert isinstance(first.difference(metric), NoDifference)
    found = second.difference(metric)
    assert isinstance(found, Difference)
    a, b = (row.measured.evaluation.curve(metric.value) for row in comparison.rows if row.measured)
    assert (found.rate, found.quality) == (bd_rate(a, b), bd_psnr(a, b))
    assert (found.low, found.high) == overlap(a, b)


def test_costs_are_means_over_qualities(results: tuple[Path, Path]) -> None:
    costs = compared(results[0]).rows[0].costs
    assert costs is not None
    assert costs.encode.total == pytest.approx(0.14)
    assert (costs.decode_steps, costs.parameters) == (3, 1_234_567)
    assert (costs.encode_macs, costs.decode_macs) == (9000, 12000)


def test_the_default_anchor_is_that_of_the_data(results: tuple[Path, Path]) -> None:
    usual = anchor(default=True)
    assert compared(results[0], anchors=(usual,)).reference.label == "known"
    assert compared(results[0], anchors=(anchor(),)).reference.label == "first"
    assert compared(results[0], anchors=(anchor(default=True, data="other"),)).reference.label == "first"
    assert compared(results[0], anchors=(anchor(default=True, pictures=24),)).reference.label == "first"
    assert compared(*results, anchors=(usual,), anchor="second").reference.label == "second"


def test_no_set_of_pictures_has_two_default_anchors() -> None:
    data = [one.data for one in load_anchors().values() if one.default]
    assert "kodak" in data
    assert len(set(data)) == len(data)


def test_further_anchors_are_shown_once(results: tuple[Path, Path]) -> None:
    shown = (anchor("x"), anchor("y"), anchor("z"))
    rows = compared(results[0], anchors=shown, anchor="x", show=("y", "x", "y")).rows
    assert [row.label for row in rows] == ["first", "x", "y"]


def test_an_anchor_may_lack_a_metric(results: tuple[Path, Path]) -> None:
    found = compared(results[0], anchors=(anchor(ms_ssim=None),), anchor="known").rows[0]
    assert isinstance(found.psnr, Difference)
    assert found.ms_ssim == NoDifference("known has no point with a finite MS-SSIM; two are needed")


def test_unknown_anchors_are_refused_with_near_names(results: tuple[Path, Path]) -> None:
    with pytest.raises(UnknownName, match=r"(?s)'frst'.*near: +first"):
        compared(results[0], anchor="frst")


# --- what makes figures less comparable -------------------------------------------------------------------------------


def test_other_pictures_are_refused_with_the_difference(pictures: Path, tmp_path: Path) -> None:
    first = write_results(tmp_path / "a.json", pictures, levels=[1], keep=False)
    more = write_results(tmp_path / "b.json", draw_pictures(tmp_path / "more", 4), levels=[1], keep=False)
    with pytest.raises(PlicError, match=r"different pictures(?s:.*)has also picture2.png, picture3.png"):
        compared(first, more)
    large = write_results(tmp_path / "c.json", draw_pictures(tmp_path / "large", 2, (224, 192)), levels=[1], keep=False)
    with pytest.raises(PlicError, match=r"of another size picture0.png \(224x192\)"):
        compared(first, large)


def test_models_called_alike_are_told_apart(pictures: Path, tmp_path: Path) -> None:
    a, b = (write_results(tmp_path / f"{name}.json", pictures, levels=[1], keep=False) for name in "ab")
    assert [row.label for row in compared(a, b).rows] == ["mine (a)", "mine (b)"]
    assert [row.label for row in compared(a, a).rows] == ["mine (a) #1", "mine (a) #2"]


def test_one_quality_has_no_figures_and_a_note(pictures: Path, tmp_path: Path, results: tuple[Path, Path]) -> None:
    one = write_results(tmp_path / "one.json", pictures, model="one", levels=[2], keep=False)
    comparison = compared(results[0], one)
    assert comparison.rows[1].psnr == NoDifference("one has only one point with a finite PSNR; two are needed")
    assert "one was measured at one quality only, so it has no BD figures." in comparison.notes
    assert b"two are needed" in html_page(comparison, gallery(comparison)).encode()


@pytest.mark.parametrize("value", ["Infinity", "NaN"])
def test_values_that_are_no_numbers_are_left_out_and_said(
    value: str, pictures: Path, tmp_path: Path, results: tuple[Path, Path]
) -> None:
    path = write_results(tmp_path / "odd.json", pictures, model="odd", keep=False)
    content = json.loads(path.read_text())
    content["evaluations"][0]["qualities"][3]["mean"]["psnr"] = value
    path.write_text(json.dumps(content))
    comparison = compared(results[0], path)
    odd = comparison.rows[1]
    assert not math.isfinite(odd.points[3].psnr)
    assert (len(odd.points), len(odd.drawn(Metric.PSNR))) == (4, 3)
    assert isinstance(odd.psnr, Difference)
    assert any("odd: PSNR is" in note and "1 of 4 points" in note for note in comparison.notes)
    assert value not in figure_json(comparison, Metric.PSNR)


def test_anchors_of_other_data_and_crowded_seconds_get_notes(pictures: Path, tmp_path: Path) -> None:
    crowded = write_results(tmp_path / "many.json", pictures, processes=4, keep=False)
    notes = compared(crowded, anchors=(anchor(data="elsewhere"), anchor("ok")), anchor="known", show=("ok",)).notes
    assert any(note.startswith("known: mean over all pictures of elsewhere") for note in notes)
    assert any("several processes" in note for note in notes)
    assert not any("ok" in note.split() for note in notes)
    fewer = compared(crowded, anchors=(anchor(pictures=24),), show=["known"]).notes
    assert any("over 24 pictures of set, the models over 2" in note for note in fewer)


# --- what is written --------------------------------------------------------------------------------------------------


def test_the_table_has_a_line_for_each_point(results: tuple[Path, Path]) -> None:
    comparison = compared(*results, anchors=(anchor(),), anchor="known")
    lines = list(csv.DictReader(io.StringIO(csv_table(comparison))))
    assert [line["curve"] for line in lines] == ["first"] * 4 + ["second"] * 4 + ["known"] * 3
    assert {line["anchor"] for line in lines} == {"known"}
    found = comparison.rows[1].psnr
    assert isinstance(found, Difference)
    assert {float(line["psnr_bd_rate_percent"]) for line in lines[4:8]} == {found.rate}
    assert lines[-1]["quality"] == lines[-1]["psnr_bd_rate_percent"] == ""


def test_the_plot_is_a_picture_of_all_curves(results: tuple[Path, Path]) -> None:
    with Image.open(io.BytesIO(png_plot(compared(*results, anchors=(anchor(),), show=["known"])))) as image:
        assert (image.format, image.width > 1200) == ("PNG", True)
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 20


def test_the_page_holds_the_pictures_asked_for(results: tuple[Path, Path]) -> None:
    comparison = compared(*results)
    found = gallery(comparison, limit=1)
    assert [(shown.name, len(shown.models)) for shown in found.pictures] == [("picture0.png", 2)]
    page = html_page(comparison, found)
    assert page.count("data:image/webp;base64,") == 1 + 2 * 4
    assert "1 of 2 pictures" in page
    assert "&lt;script&gt;" in page  # of a recipe, which is text


def test_pictures_are_embedded_without_loss(results: tuple[Path, Path], pictures: Path) -> None:
    found = gallery(compared(*results)).pictures[0]
    with Image.open(pictures / "picture0.png") as original:
        assert found.uri == data_uri(original.convert("RGB"))


def test_large_pictures_are_reduced_and_said_to_be(results: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures_module, "LARGEST", 104)
    comparison = compared(results[0])
    found = gallery(comparison, limit=1)
    assert (found.pictures[0].size, found.pictures[0].shown) == ((208, 176), (104, 88))
    assert "208 x 176 pixels, shown reduced to 104 x 88" in html_page(comparison, found)


def test_missing_pictures_are_answered_with_how_to_get_them(pictures: Path, tmp_path: Path) -> None:
    none = compared(write_results(tmp_path / "a.json", pictures, keep=False))
    assert "plic evaluate --save-pictures" in gallery(none).missing[0]
    assert "--save-pictures" in html_page(none, gallery(none))
    folder = draw_pictures(tmp_path / "moving")
    kept = compared(write_results(tmp_path / "b.json", folder))
    moved = folder.rename(tmp_path / "moved")
    assert "--data" in gallery(kept).missing[0]
    assert len(gallery(kept, folder=moved).pictures) == 2
    with pytest.raises(FileError, match=r"(?s)not there.*--data"):
        gallery(kept, folder=tmp_path)


def test_other_originals_are_refused(results: tuple[Path, Path], tmp_path: Path) -> None:
    other = draw_pictures(tmp_path / "set", 2, (64, 48))
    with pytest.raises(PlicError, match=r"(?s)another size.*64x48.*208x176.*--data"):
        gallery(compared(*results), folder=other)


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_writes_what_the_extensions_say(results: tuple[Path, Path], tmp_path: Path) -> None:
    outputs = [tmp_path / name for name in ("report.html", "curves.png", "table.csv")]
    options = [option for path in outputs for option in ("-o", path)]
    done = plic(*results, *options, "--anchor", "first")
    assert done.exit_code == 0, done.output
    assert "second" in done.output
    assert outputs[0].read_bytes().startswith(b"<!DOCTYPE html>")
    assert outputs[1].read_bytes().startswith(b"\x89PNG")
    assert outputs[2].read_bytes().startswith(b"curve,kind")
    again = plic(*results, "-o", outputs[2])
    assert (again.exit_code, "-f" in again.output) == (2, True)
    assert plic(*results, "-f", "-o", outputs[2]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "report.pdf"), ".html, .png, .csv"),
        (("-o", "nowhere/report.html"), "mkdir"),
        (("-o", "r.html", "--data", "nowhere"), "no such folder"),
        (("-o", "r.csv", "--anchor", "secnd"), "second"),
        (("-o", "r.csv", "--pictures", "some"), "some"),
    ],
)
def test_the_command_refuses_and_says_why(
    arguments: tuple[str, ...],
    message: str,
    results: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = plic(*results, *arguments)
    assert (done.exit_code, message in done.output) == (2, True), done.output
    assert list(tmp_path.iterdir()) == []


def test_a_results_file_is_never_the_output(results: tuple[Path, Path], tmp_path: Path) -> None:
    odd = tmp_path / "results.csv"
    odd.write_bytes(results[0].read_bytes())
    assert "would be overwritten" in plic(odd, "-f", "-o", odd).output


def test_numbers_read_well() -> None:
    assert [seconds(value) for value in (0.0123, 0.5, 3.14159, 42.42, 512.3)] == [
        "12.3 ms",
        "0.500 s",
        "3.14 s",
        "42.4 s",
        "512 s",
    ]
    assert [count(value) for value in (None, 7, 91296, 14_130_000)] == ["\N{EN DASH}", "7", "91.3 k", "14.1 M"]
    assert signed(-1.5, 2) == "\N{MINUS SIGN}1.50"
