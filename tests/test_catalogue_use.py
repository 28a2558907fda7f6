"""Weights that catalogues list, as users meet them: on the command line, in Python, and as docs/registry.md says."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from file_server import serving
from small import SMALL, photograph

import plic
from plic.cli import main
from plic.core.api import codec_for
from plic.core.catalogue import read_catalogue
from plic.core.errors import StreamMismatch, UnknownName, WeightsError
from plic.core.recipe import load_recipe
from plic.core.registry import default_registry

GUIDE = (Path(__file__).resolve().parent.parent / "docs" / "registry.md").read_text(encoding="utf-8")
RECIPE = "plic: 1\nname: my-codec\nextends: balle2017\ntransform: {channels: 12, latent_channels: %d}\n"
WEIGHTS = "trained/weights.safetensors"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project: a recipe and weights of it, as `plic train` would leave them."""
    folder = tmp_path_factory.mktemp("project")
    for name, latent in (("trained", 16), ("other", 14)):
        (folder / "my-codec.yaml").write_text(RECIPE % latent)
        (folder / name).mkdir()
        plic.build(folder / "my-codec.yaml").eval().freeze().save(folder / name / "weights.safetensors")
    (folder / "my-codec.yaml").write_text(RECIPE % 16)
    return folder


@pytest.fixture(autouse=True)
def project(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with that project in it, and a user without catalogue and cache."""
    for name in ("my-codec.yaml", "trained", "other"):
        (tmp_path / name).symlink_to(trained / name)
    photograph(40, 32).save(tmp_path / "photo.png")
    for variable, folder in (("XDG_CONFIG_HOME", "config"), ("PLIC_CACHE", "cache")):
        monkeypatch.setenv(variable, str(tmp_path / folder))
    monkeypatch.delenv("PLIC_REGISTRY", raising=False)
    monkeypatch.delenv("PLIC_OFFLINE", raising=False)
    monkeypatch.chdir(tmp_path)
    start_anew()
    yield tmp_path
    monkeypatch.undo()
    start_anew()


def start_anew() -> None:
    """What a new process would read again."""
    default_registry.cache_clear()
    codec_for.cache_clear()


def run(*arguments: str, code: int = 0) -> Result:
    start_anew()
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == code, result.output
    return result


def listed(file: str = WEIGHTS, url: str = "") -> str:
    """The lines that list a file, in a file of a name that is not looked for."""
    lines = run("weights", "entry", file, *(("--url", url) if url else ())).output
    Path("mine.yaml").write_text(lines)
    return lines


# --- a project's weights --------------------------------------------------------------------------------------------


def test_the_guides_commands_and_its_list_of_keys_work(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL)
    for command in [shlex.split(line.removeprefix("$ ")) for block in blocks for line in block.splitlines()]:
        if command[0] == "export":
            monkeypatch.setenv(*command[1].split("=", 1))
            continue
        if "encode" in command or "decode" in command:
            command.append("-f")
        goes_to = command[-1] if command[-2] == ">" else None
        output = run(*command[1 : None if goes_to is None else -2]).output
        if goes_to is not None:
            (project / goes_to).write_text(output)
        if command[1:3] == ["weights", "list"]:
            assert re.search(r"my-codec +file +.*trained/weights.safetensors +\[registry.yaml:2\]", output)
    assert (project / "back.png").exists()
    (project / "example.yaml").write_text(re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)[0])
    example = read_catalogue(project / "example.yaml")
    assert example.default == "my-codec"
    assert sorted(example.weights["my-codec"].earlier) == ["01234567", "8fc6a4ec"]


def test_the_guides_error_is_what_is_said(project: Path) -> None:
    (project / "registry.yaml").write_text("\nweights:\n  my-codec: {sha265: a}\n")
    output = run("recipes", "my-codec.yaml", code=2).output
    assert output.replace(f"{project}/", "") in GUIDE


def test_a_recipe_file_without_weights_says_how_to_get_some(project: Path) -> None:
    stderr = run("encode", "photo.png", "-o", "photo.plic", "--model", "my-codec.yaml", code=2).stderr
    assert "plic: no weights are listed for my-codec.yaml, the recipe 'my-codec'\n" in stderr
    assert "  expected: weights.my-codec in a registry.yaml beside it, or " in stderr
    assert "next:     plic train my-codec.yaml --data FOLDER --out OUT, then plic weights entry OUT/weights" in stderr


def test_a_recipe_that_has_changed_since_is_refused(project: Path) -> None:
    (project / "registry.yaml").write_text(listed())
    (project / "my-codec.yaml").unlink()
    (project / "my-codec.yaml").write_text(RECIPE % 12)
    with pytest.raises(WeightsError, match="trained as something else") as caught:
        plic.load("my-codec.yaml")
    assert f"{project}/registry.yaml:2, which differ in transform" in str(caught.value.got)


def test_a_file_that_is_gone_or_another_is_refused_and_the_entry_named(project: Path) -> None:
    lines = listed()
    (project / "registry.yaml").write_text(lines.replace("trained/", "untrained/"))
    with pytest.raises(WeightsError, match=r"missing or damaged") as caught:
        plic.load("my-codec.yaml")
    assert "untrained/weights.safetensors (missing)" in str(caught.value.got)
    assert f"as {project}/registry.yaml:2 says" in str(caught.value.expected)
    (project / "registry.yaml").write_text(lines.replace("trained/", "other/"))
    with pytest.raises(WeightsError, match=r"missing or damaged"):
        plic.load("my-codec.yaml")
    assert "damaged" in run("weights", "verify", "my-codec.yaml", code=1).output


def test_an_entry_under_the_name_of_another_recipe_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.yaml").write_text(listed().replace("my-codec:", "balle2017:"))
    monkeypatch.setenv("PLIC_REGISTRY", "mine.yaml")
    start_anew()
    with pytest.raises(WeightsError, match=r"mine.yaml:2: .* 'balle2017' are those of another") as caught:
        plic.load("balle2017")
    assert caught.value.hint == "list them under weights: my-codec:"


def test_a_default_without_weights_names_the_catalogue(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.yaml").write_text("default: my-codex\n" + listed())
    monkeypatch.setenv("PLIC_REGISTRY", "mine.yaml")
    start_anew()
    with pytest.raises(UnknownName, match=r"mine.yaml:1: no recipe is called 'my-codex'") as caught:
        plic.load()
    assert caught.value.near[0] == "my-codec"


def test_a_projects_provider_is_the_answer_to_a_missing_part(project: Path) -> None:
    (project / "registry.yaml").write_text("providers: {plic-t: {head: [t]}}\n")
    (project / "t.yaml").write_text(RECIPE % 16 + "head: {use: t}\n")
    with pytest.raises(UnknownName, match="pip install plic-t"):
        load_recipe("t.yaml")


# --- weights from elsewhere -----------------------------------------------------------------------------------------


def test_weights_are_fetched_when_a_stream_needs_them(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving((project / WEIGHTS).read_bytes()) as server:
        lines = listed(url=server.url)
        assert server.url in lines
        monkeypatch.setenv("PLIC_REGISTRY", "mine.yaml")
        assert re.search(rf"my-codec +to fetch .* {server.url} +\[mine.yaml:2\]", run("weights", "list").output)
        run("encode", "photo.png", "-o", "photo.plic", "--model", WEIGHTS)
        assert not server.asked
        run("decode", "photo.plic", "-o", "back.png")
        assert "sound" in run("weights", "verify").output
        told: list[int] = []
        plic.load("my-codec", progress=lambda _, done, __: told.append(done))
        assert (len(server.asked), told) == (1, [])
    facts = {fact["recipe"]: fact for fact in json.loads(run("weights", "list", "--json").output)}
    assert facts["my-codec"]["state"] == "fetched"
    assert Path(facts["my-codec"]["place"]).is_relative_to(project / "cache")


def test_weights_are_fetched_ahead_and_a_wrong_digest_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving((project / WEIGHTS).read_bytes()) as server:
        lines = listed(url=server.url)
        monkeypatch.setenv("PLIC_REGISTRY", "mine.yaml")
        assert "fetched" in run("weights", "fetch", "my-codec").output
        Path("mine.yaml").write_text(re.sub("sha256: '....", "sha256: '0000", lines))
        output = run("encode", "photo.png", "-o", "photo.plic", "--model", "my-codec", code=2).output
        assert server.download.sha256 in output
        assert f"expected: SHA-256 0000{server.download.sha256[4:]}" in output
        assert not Path("photo.plic").exists()
    monkeypatch.setenv("PLIC_OFFLINE", "1")
    assert "PLIC_OFFLINE forbids" in run("weights", "fetch", "my-codec", code=2).output


def test_streams_of_replaced_and_of_earlier_weights_are_decoded(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("first.yaml").write_text(listed(WEIGHTS))
    Path("second.yaml").write_text(lines := listed("other/weights.safetensors"))
    monkeypatch.setenv("PLIC_REGISTRY", os.pathsep.join(("first.yaml", "second.yaml")))
    run("encode", "photo.png", "-o", "photo.plic", "--model", WEIGHTS)
    run("decode", "photo.plic", "-o", "back.png")
    monkeypatch.setenv("PLIC_REGISTRY", "second.yaml")
    assert "made with other weights" in run("decode", "photo.plic", "-o", "back.png", "-f", code=2).output
    fingerprint = plic.load(WEIGHTS).fingerprint.hex()
    with serving((project / WEIGHTS).read_bytes()) as server:
        download = server.download
        old = f"{{note: old, url: '{download.url}', sha256: '{download.sha256}', bytes: {download.size}}}"
        Path("second.yaml").write_text(f"{lines}    earlier: {{'{fingerprint}': {old}}}\n")
        run("decode", "photo.plic", "-o", "back.png", "-f")
        assert server.asked == [""]


def test_a_stream_of_weights_that_nobody_lists(project: Path) -> None:
    with pytest.raises(StreamMismatch, match="no sound weights") as caught:
        codec_for("my-codec", bytes(4))
    assert "--model FILE" in str(caught.value.hint)


def test_a_url_that_nothing_is_fetched_from_is_refused() -> None:
    output = run("weights", "entry", WEIGHTS, "--url", "http://example.org/w.safetensors", code=2).output
    assert "http is neither private nor authentic" in output


def test_recipes_says_which_catalogue_lists_weights(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.yaml").write_text(listed().replace("my-codec:", "balle2017:"))
    monkeypatch.setenv("PLIC_REGISTRY", "mine.yaml")
    output = run("recipes").output
    assert re.search(r"^balle2017 +weights \(mine.yaml:2\) ", output, re.MULTILINE)
    assert set(SMALL) - {"house"} <= set(re.findall(r"^(\S+) ", output, re.MULTILINE))
