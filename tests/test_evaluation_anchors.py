"""Anchors: the published table that the shipped ones reproduce, what their files must be, who may bring more."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fakes import write_distribution
from pydantic import ValidationError

from plic.cli import main
from plic.core.errors import FileError, PlicError, PluginError, UnknownName
from plic.core.evaluation import (
    Anchor,
    anchor_named,
    bd_psnr,
    bd_rate,
    load_anchors,
    ms_ssim_db,
    overlap,
    read_anchors,
)
from plic.core.plugins import Plugin, load_plugins
from plic.core.registry import Registry, default_registry

REFERENCE = "vtm"


@pytest.fixture(scope="module")
def anchors() -> dict[str, Anchor]:
    return load_anchors()


# --- published figures ----------------------------------------------------------------------------------------------

TABLE_III = (
    ("hm", 23.31, -1.01),
    ("compressai-bmshj2018-hyperprior_mse_cuda", 30.49, -1.26),
    ("compressai-mbt2018_mse_cuda", 11.02, -0.49),
    ("compressai-cheng2020-attn_mse_cuda", 5.51, -0.23),
    ("compressai-cheng2020-anchor_mse_cuda", 3.68, -0.16),
)
"""Kodak in Table III of the MSP paper (Zhang 2022): BD-rate in percent and BD-PSNR in dB against VTM."""

FULL = (
    # id, BD-rate against VTM in percent for PSNR, and for MS-SSIM where it is known
    ("mlicplusplus_mse", -15.02, None),
    ("mlicplus_mse", -13.11, None),
    ("c3base/mlic+", -13.11, None),
    ("tcm_large_mse", -11.73, None),
    ("mlic_mse", -9.75, None),
    ("c3base/mlic", -9.75, None),
    ("tcm_middle_mse", -9.11, None),
    ("paper-elic2022_mse", -7.02, None),
    ("c3base/elic", -7.02, None),
    ("tcm_small_mse", -6.69, None),
    ("coolchic_v5.0", -6.61, None),
    ("lossyvae/qarv_base", -5.86, None),
    ("stf_cnn_mse", -4.55, None),
    ("stf_mse", -4.13, None),
    ("c3base/stf", -4.13, None),
    ("lossyvae/qres34m", -4.02, None),
    ("gllmm_fu2021_mse", -3.33, -13.73),
    ("c3base/evc-l", -0.86, None),
    ("easn_deep_ja_mse", -0.48, None),
    ("invcompress_mse", -0.36, -7.83),
    ("c3base/wyh", -0.32, None),
    ("lossyvae/vtm18.0", -0.17, None),
    ("c3base/vtm", 0.0, None),
    ("c3base/evc-m", 0.26, None),
    ("tfc/minnen-2020-icip", 0.45, None),
    ("coolchic_v4.2", 0.97, None),
    ("paper-minnen2020-cc10_mse", 1.11, None),
    ("entroformer_mse", 1.42, None),
    ("c3base/c3-adaptive", 3.41, None),
    ("compressai-cheng2020-anchor_mse_cuda", 3.68, -7.55),
    ("c3base/cst", 3.68, None),
    ("compressai-cheng2020-anchor_mse_cpu", 3.69, -7.54),
    ("paper-cheng2020-checkerboard-6m_mse", 3.91, -7.04),
    ("paper-cheng2020-parallel_mse", 4.08, None),
    ("c3base/evc-s", 4.32, None),
    ("c3base/c3", 5.21, None),
    ("gaacnn_mse", 5.27, None),
    ("compressai-cheng2020-attn_mse_cpu", 5.51, -8.21),
    ("compressai-cheng2020-attn_mse_cuda", 5.51, -8.2),
    ("vtm12.1_user_compressai_bench", 7.15, None),
    ("paper-cheng2020-checkerboard-1m_mse", 8.81, None),
    ("compressai-mbt2018_mse_cuda", 11.02, -2.12),
    ("c3base/mbt", 11.02, None),
    ("compressai-mbt2018_mse_cpu", 11.02, -2.12),
    ("paper-mbt2018", 11.03, None),
    ("tfc/minnen-2018-neurips-opt-mse", 11.03, None),
    ("hu2020_coarse2fine_mse", 12.1, None),
    ("av1", 16.18, 14.58),
    ("paper-mbt2018-mean", 16.38, None),
    ("tfc/minnen-2018-neurips-no-context", 16.38, None),
    ("tfc/lee-2019-context-adaptive", 17.75, None),
    ("tfc/lee2019-iclr", 17.75, None),
    ("paper-minnen2018-checkerboard_mse", 19.0, 4.0),
    ("paper-minnen2018-parallel_mse", 20.23, None),
    ("tfc/bpg444", 20.39, None),
    ("c3base/bpg444", 20.39, None),
    ("compressai-mbt2018-mean_mse_cuda", 21.28, 3.14),
    ("compressai-mbt2018-mean_mse_cpu", 21.28, 3.14),
    ("mbt2018-vbr-ans", 21.6, 4.77),
    ("bpg_444_x265_ycbcr", 21.99, 21.51),
    ("c3base/bpg", 21.99, None),
    ("hm", 23.31, 20.47),
    ("mbt2018-mean-vbr-ans", 23.38, 5.63),
    ("compressai-bmshj2018-hyperprior_mse_cpu", 30.49, 7.31),
    ("compressai-bmshj2018-hyperprior_mse_cuda", 30.49, 7.31),
    ("c3base/bms", 30.49, None),
    ("bmshj2018-hyperprior-vbr-ans", 30.59, 8.14),
    ("c3base/cool-chicv2", 31.64, None),
    ("tfc/bpg420", 32.69, None),
    ("c3base/bpg420", 32.69, None),
    ("paper-bmshj2018-hyperprior", 33.97, None),
    ("tfc/balle-2018-iclr-opt-mse", 33.97, None),
    ("tfc/balle-2018-iclr", 33.97, None),
    ("c3base/cool-chic", 48.74, None),
    ("tfc/minnen-2018-icip", 53.47, None),
    ("c3base/recombiner", 61.38, None),
    ("paper-bmshj2018-factorized", 65.84, None),
    ("tfc/balle-2017-iclr-opt-mse", 65.84, None),
    ("tfc/balle-2017-iclr", 65.84, None),
    ("compressai-bmshj2018-factorized_mse_cpu", 68.1, 17.44),
    ("compressai-bmshj2018-factorized_mse_cuda", 68.1, 17.44),
    ("tfc/j2k-opj5", 71.78, None),
    ("c3base/vc-inr", 72.73, None),
    ("webp", 78.75, 61.25),
    ("tfc/webp", 93.27, None),
    ("tfc/j2k-kdu5", 96.0, None),
    ("jpeg2000", 97.97, 113.45),
    ("c3base/jpeg2000", 97.97, None),
    ("tfc/theis-2017-iclr", 98.17, None),
    ("c3base/mscn", 112.62, None),
    ("c3base/spy", 140.34, None),
    ("tfc/minnen-2017-icip", 159.78, None),
    ("tfc/jpeg420", 177.55, None),
    ("jpeg", 208.49, 139.84),
    ("c3base/jpeg", 208.49, None),
    ("tfc/toderici-2017-cvpr", 316.7, None),
    ("c3base/coin", 463.28, None),
    ("c3base/coin++", 483.13, None),
    ("measured/vvc_vvenc_420", 8.91, 8.35),
    ("measured/hevc_x265_444", 22.86, 19.05),
    ("measured/avif", 23.64, 18.38),
    ("measured/hevc_x265_420", 34.94, 33.94),
    ("measured/avif_tune_default", 36.53, -0.51),
    ("measured/jpeg2000", 44.52, 51.54),
    ("measured/webp", 80.61, 59.22),
    ("measured/jxl", 97.59, 49.53),
    ("measured/mozjpeg", 163.97, 72.85),
    ("measured/jpeg", 195.05, 117.25),
)
"""Kodak: all that was published and measured, over the whole overlap."""


@pytest.mark.parametrize(("name", "percent", "decibels"), TABLE_III)
def test_a_published_table_is_reproduced(
    anchors: dict[str, Anchor], name: str, percent: float, decibels: float
) -> None:
    pytest.importorskip("bjontegaard")
    reference, test = anchors[REFERENCE].curve(), anchors[name].curve()
    assert bd_rate(reference, test) == pytest.approx(percent, abs=0.01)
    assert bd_psnr(reference, test) == pytest.approx(decibels, abs=0.01)


def test_every_anchor_gives_its_known_bd_rate(anchors: dict[str, Anchor]) -> None:
    pytest.importorskip("bjontegaard")
    reference = anchors[REFERENCE]
    for name, psnr, ms_ssim in FULL:
        assert bd_rate(reference.curve(), anchors[name].curve()) == pytest.approx(psnr, abs=0.01), name
        if ms_ssim is not None:
            found = bd_rate(reference.curve("ms_ssim_db"), anchors[name].curve("ms_ssim_db"))
            assert found == pytest.approx(ms_ssim, abs=0.01), name


def test_what_is_shipped(anchors: dict[str, Anchor]) -> None:
    kodak = {name: anchor for name, anchor in anchors.items() if anchor.data == "kodak"}
    families = ("jpeg", "webp", "avif", "jpeg2000", "jxl", "hevc_x265_444")
    assert {f"measured/{name}" for name in families} <= kodak.keys()
    assert {"vtm", "hm", "bpg_444_x265_ycbcr"} <= kodak.keys()
    assert {name for name, *_ in FULL} <= kodak.keys()
    assert len({(anchor.data, anchor.title) for anchor in anchors.values()}) == len(anchors)
    for anchor in anchors.values():
        assert anchor.source.startswith(("https://", "measured here")), anchor.id
        assert overlap(anchor.curve(anchor.metrics[0]), anchor.curve(anchor.metrics[0]))
    assert {anchor.kind for anchor in kodak.values()} == {
        *("measured", "published file", "author", "digitised", "third party"),
    }
    assert "8-bit conversion" in anchors["vtm"].note


# --- one anchor -----------------------------------------------------------------------------------------------------

MINE: dict[str, Any] = {
    "id": "mine/new-1.0",
    "title": "Mine",
    "kind": "measured",
    "source": "by hand",
    "rate": [0.5, 1.0],
    "psnr": [30.0, 33.0],
}


def write(path: Path, *entries: dict[str, Any], **changes: Any) -> Path:
    path.write_text(json.dumps({"plic_anchors": 1, "data": "some", "anchors": entries, **changes}))
    return path


def registry_with(*plugins: tuple[str, Path]) -> Registry:
    fakes = [Plugin(name, f"plic-{name}", "1.0", name, anchor_files=(path,)) for name, path in plugins]
    return Registry([default_registry().plugins[0], *fakes])


def test_metrics_of_an_anchor(tmp_path: Path) -> None:
    similar = {**MINE, "id": "similar", "psnr": None, "ms_ssim": [0.9, 0.99]}
    mine, other = read_anchors(write(tmp_path / "a.json", MINE, similar))
    assert (mine.id, mine.data, mine.metrics, other.metrics) == ("mine/new-1.0", "some", ("psnr",), ("ms_ssim_db",))
    assert mine.curve().quality == (30, 33)
    assert other.curve("ms_ssim_db").quality == (ms_ssim_db(0.9), ms_ssim_db(0.99))
    with pytest.raises(PlicError, match=r"'mine/new-1.0' has no ms_ssim_db"):
        mine.curve("ms_ssim_db")
    with pytest.raises(ValidationError, match="frozen"):
        mine.title = "Yours"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": "Not An Id"}, "anchors.0.id"),
        ({"kind": "guessed"}, "anchors.0.kind"),
        ({"source": ""}, "anchors.0.source"),
        ({"rate": [0.5]}, "no rate-distortion curve"),
        ({"psnr": [30.0, 30.0]}, "no rate-distortion curve"),
        ({"psnr": None}, "neither psnr nor ms_ssim"),
        ({"ms_ssim": [0.9, 1.5]}, "anchors.0.ms_ssim.1"),
        ({"colour": "red"}, "anchors.0.colour"),
    ],
)
def test_files_that_are_no_anchors(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    path = write(tmp_path / "a.json", {**MINE, **changes})
    with pytest.raises(PlicError, match=r"a.json is not a sound file of anchors") as caught:
        read_anchors(path)
    assert reason in str(caught.value)


def test_a_file_that_names_one_twice_or_is_another(tmp_path: Path) -> None:
    with pytest.raises(PlicError, match=r"twice: mine/new-1.0"):
        read_anchors(write(tmp_path / "a.json", MINE, MINE))
    with pytest.raises(PlicError, match="plic_anchors"):
        read_anchors(write(tmp_path / "a.json", MINE, plic_anchors=2))
    with pytest.raises(FileError, match="no such file"):
        read_anchors(tmp_path / "none.json")


def test_near_names() -> None:
    with pytest.raises(UnknownName, match="no anchor is called 'measured/jpg'") as caught:
        anchor_named("measured/jpg")
    assert "measured/jpeg" in caught.value.near


# --- the page that describes them -----------------------------------------------------------------------------------

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "evaluation.md").read_text(encoding="utf-8")


def test_the_documented_comparison_runs(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("bjontegaard")
    code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    exec(compile(code, "evaluation.md", "exec"), {})
    assert capsys.readouterr().out.startswith("BD-rate +23.31 %, BD-PSNR -1.01 dB\nover 26.1 to ")


def test_the_documented_file_is_sound(tmp_path: Path) -> None:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "kodak_mine.json"
    path.write_text(text)
    (anchor,) = read_anchors(path)
    assert anchor.metrics == ("psnr", "ms_ssim_db")


# --- plugins --------------------------------------------------------------------------------------------------------

PLUGIN = """
from pathlib import Path
from plic.core.hookspecs import hookimpl
PLIC_API = 1
@hookimpl
def plic_register_anchors():
    return [Path(__file__).parent / "curves.json"]
"""


def test_a_plugin_may_bring_anchors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    write_distribution(tmp_path, "plic-curves", PLUGIN)
    plugin = next(plugin for plugin in load_plugins({}) if plugin.distribution == "plic-curves")
    assert "must be an absolute path of a file" in plugin.traceback
    write(tmp_path / "curves.json", MINE)
    assert anchor_named("mine/new-1.0", Registry(load_plugins({}))).title == "Mine"


def test_a_broken_file_harms_no_other(tmp_path: Path) -> None:
    broken, sound = tmp_path / "broken.json", write(tmp_path / "sound.json", MINE)
    broken.write_text("{")
    registry = registry_with(("broken", broken), ("sound", sound))
    with pytest.warns(UserWarning, match=r"anchors of plic-broken 1.0 are left out: .*broken.json"):
        found = load_anchors(registry)
    assert {"mine/new-1.0", "vtm"} <= found.keys()
    assert anchor_named("mine/new-1.0", registry).data == "some"
    with pytest.raises(UnknownName, match="could not be read: anchors of plic-broken"):
        anchor_named("broken", registry)


def test_two_providers_of_one_anchor(tmp_path: Path) -> None:
    rival = write(tmp_path / "rival.json", {**MINE, "id": "vtm"}, MINE)
    registry = registry_with(("rival", rival))
    with pytest.warns(UserWarning, match="anchor 'vtm' is provided by 2 plugins"):
        found = load_anchors(registry)
    assert "vtm" not in found
    assert "mine/new-1.0" in found
    with pytest.raises(PluginError, match=r"plic-rival 1.0"):
        anchor_named("vtm", registry)


def test_command() -> None:
    lines = CliRunner().invoke(main, ["anchors"], catch_exceptions=False).stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("vtm ")]
    assert line.split(maxsplit=6)[:6] == ["vtm", "published", "file", "kodak", "8", "points"]
    facts = json.loads(CliRunner().invoke(main, ["anchors", "--json"], catch_exceptions=False).stdout)
    assert {fact["id"]: fact for fact in facts}["vtm"]["rate"][0] == pytest.approx(0.04824, abs=1e-5)
