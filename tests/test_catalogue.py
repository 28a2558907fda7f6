"""Catalogue files: what they may say, which one wins, and what is said of one that is malformed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plic.core.catalogue import (
    Catalogue,
    installed_catalogue,
    project_catalogue,
    read_catalogue,
    shipped_catalogue,
)
from plic.core.catalogue.layers import CATALOGUE
from plic.core.errors import PlicError
from plic.core.fetching import Download
from plic.core.plugins import Plugin

DIGEST = "0123456789abcdef" * 4
REST = f"sha256: '{DIGEST}', qualities: 4, bytes: 9"


def catalogue_file(folder: Path, text: str, name: str = "registry.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def read(folder: Path, text: str) -> Catalogue:
    return read_catalogue(catalogue_file(folder, text))


# --- what a file says -----------------------------------------------------------------------------------------------


def test_files_are_relative_to_their_catalogue_and_shipped_ones_to_the_weights(tmp_path: Path) -> None:
    entry = read(tmp_path, f"weights:\n\n  mine: {{file: w/m.safetensors, {REST}}}").weights["mine"]
    assert entry.path == tmp_path / "w" / "m.safetensors"
    assert entry.download is None
    assert entry.origin == f"{tmp_path / 'registry.yaml'}:3"
    for shipped in shipped_catalogue().weights.values():
        assert shipped.path is not None
        assert shipped.path.parent == CATALOGUE.parent / "weights"


def test_an_entry_with_a_url(tmp_path: Path) -> None:
    url = "https://example.org/m.safetensors?download=1"
    old = f"{{note: first, url: 'file:///o.safetensors', sha256: '{DIGEST}', bytes: 7}}"
    found = read(tmp_path, f"weights: {{mine: {{url: '{url}', {REST}, earlier: {{'01234567': {old}}}}}}}")
    assert found.weights["mine"].path is None
    assert found.weights["mine"].download == Download(url, DIGEST, 9)
    earlier = found.earlier("mine", bytes.fromhex("01234567"))
    assert earlier is not None
    assert earlier.download == Download("file:///o.safetensors", DIGEST, 7)
    assert "plic then fetches those weights from file:///o.safetensors" in earlier.hint


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "") == Catalogue(default_origin=str(tmp_path / "registry.yaml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wieghts: {}", [":1: the catalogue is malformed", "the key 'wieghts'", "near:     weights"]),
        ("weights:\n  mine:\n    sha265: a", [":3: weights.mine is malformed", "the key 'sha265'", "near:     sha256"]),
        (f"weights: {{mine: {{{REST}}}}}", ["weights.mine is malformed", "neither", "either file"]),
        (f"weights: {{mine: {{file: a, url: b, {REST}}}}}", ["weights.mine is malformed", "both", "either file"]),
        (f"weights: {{mine: {{file: m.pt, {REST}}}}}", ["weights.mine.file", "m.pt", "ends in .safetensors"]),
        (f"weights: {{mine: {{url: 'https://a/m.pth', {REST}}}}}", ["weights.mine.url", "ends in .safetensors"]),
        (f"weights: {{mine: {{url: 'http://a/m.safetensors', {REST}}}}}", ["weights.mine.url", "neither private"]),
        (f"weights: {{m: {{file: m.safetensors, {REST[:-1]}0}}}}", ["weights.m.bytes", "got:      0", "1 or more"]),
        (f"weights: {{m: {{file: m.safetensors, {REST}x}}}}", ["weights.m.bytes", "got:      '9x'", "whole number"]),
        (f"weights:\n  m:\n    sha256: {'1' * 64}", [":3: weights.m.sha256", "in quotes if it looks like a number"]),
        ("weights: {m: {sha256: ABC}}", ["weights.m.sha256", "ABC", "64 lower-case hexadecimal digits"]),
        ("weights: [m]", [":1: weights is malformed", "a mapping"]),
        ("weights: {1: {}}", ["weights is malformed", "the key 1", "in quotes"]),
        ("weights:\n  m: {}\n  m: {}", [":3: weights.m appears twice", "lines 2 and 3"]),
        ("providers: {p: {haed: [a]}}", ["providers.p is malformed", "the key 'haed'", "near:     head"]),
        ("providers: {p: {head: [1]}}", ["providers.p.head is malformed", "got:      1"]),
        ("default: [a]", [":1: default is malformed"]),
        ("default: a\n  b: c: d", [":2 cannot be read: it is not valid YAML"]),
        ("default: !!python/object:os.system {}", [":1 cannot be read"]),
        ("weights: &a {m: *a}", ["weights.m is malformed"]),
    ],
)
def test_malformed_files_are_refused_with_line_and_key(tmp_path: Path, text: str, said: list[str]) -> None:
    with pytest.raises(PlicError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert str(tmp_path / "registry.yaml") in message
    assert [one for one in said if one not in message] == []
    assert caught.value.hint is not None


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ("{note: a}", "revision and file, or url, sha256 and bytes"),
        ("{note: a, url: 'ftp://a/b.safetensors'}", "earlier.8fc6a4ec.url is malformed"),
        ("{note: a, url: 'https://a/b.safetensors'}", "earlier.8fc6a4ec.sha256 is malformed"),
        ("{note: a, ulr: 'https://a/b.safetensors'}", "near:     url"),
    ],
)
def test_malformed_earlier_weights_with_a_url(tmp_path: Path, old: str, said: str) -> None:
    with pytest.raises(PlicError) as caught:
        read(tmp_path, f"weights: {{m: {{file: m.safetensors, {REST}, earlier: {{8fc6a4ec: {old}}}}}}}")
    assert said in str(caught.value)


# --- which file wins ------------------------------------------------------------------------------------------------


def weights(name: str, file: str) -> str:
    return f"weights: {{{name}: {{file: {file}.safetensors, {REST}}}}}\n"


def test_files_of_the_user_win_over_plugins_and_those_over_the_shipped_one(tmp_path: Path) -> None:
    usual = catalogue_file(tmp_path / "config" / "plic", weights("a", "usual") + "default: a\n")
    first = catalogue_file(tmp_path, weights("b", "first") + "providers: {p: {head: [x]}}\n", "first.yaml")
    second = catalogue_file(tmp_path, weights("b", "second") + "default: b\n", "second.yaml")
    plugged = catalogue_file(tmp_path, weights("a", "plugged") + "providers: {p: {coder: [y]}}\n", "plugged.yaml")
    plugin = Plugin("p", "plic-p", "1", "p", catalogue_files=(plugged,))
    config = {"XDG_CONFIG_HOME": str(tmp_path / "config")}

    def names(plugins: list[Plugin], environ: dict[str, str]) -> tuple[str, dict[str, str]]:
        found = installed_catalogue(plugins, environ)
        added = {name: entry for name, entry in found.weights.items() if name in "ab"}
        return found.default, {name: entry.path.stem for name, entry in added.items() if entry.path is not None}

    shipped = shipped_catalogue().default
    assert names([], {"XDG_CONFIG_HOME": str(tmp_path)}) == (shipped, {})
    assert names([plugin], {"XDG_CONFIG_HOME": str(tmp_path)}) == (shipped, {"a": "plugged"})
    assert names([plugin], config) == ("a", {"a": "usual"})
    both = config | {"PLIC_REGISTRY": f"{first}{os.pathsep}{second}"}
    assert names([plugin], both) == ("b", {"a": "usual", "b": "second"})
    found = installed_catalogue([plugin], both)
    assert [entry.origin for entry in found.entries("a")] == [f"{usual}:1", f"{plugged}:1"]
    assert [entry.origin for entry in found.entries("b")] == [f"{second}:1", f"{first}:1"]
    assert (found.providers_of("head", "x"), found.providers_of("coder", "y")) == (["p"], [])
    assert shipped_catalogue().weights.keys() <= found.weights.keys()


def test_a_plugins_file_that_is_malformed_is_left_out_with_a_warning(tmp_path: Path) -> None:
    bad = catalogue_file(tmp_path, weights("a", "a") + "default: a\n", "bad.yaml")
    good = catalogue_file(tmp_path, weights("b", "b"), "good.yaml")
    plugin = Plugin("p", "plic-p", "1", "p", catalogue_files=(bad, good))
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    with pytest.warns(UserWarning, match="plic-p 1 is left out.*\n?.*does not choose the default codec"):
        found = installed_catalogue([plugin], environ)
    assert "b" in found.weights
    assert "a" not in found.weights


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    catalogue_file(tmp_path, "", "mine.yaml")
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "PLIC_REGISTRY": str(tmp_path / "mien.yaml")}
    with pytest.raises(PlicError, match="PLIC_REGISTRY names a file that is not there") as caught:
        installed_catalogue((), environ)
    assert caught.value.near == ("mine.yaml",)


def test_the_file_beside_a_recipe_wins_over_all_others(tmp_path: Path) -> None:
    base = read(tmp_path / "user", weights("a", "user"))
    assert project_catalogue(base, tmp_path / "r.yaml") is base
    catalogue_file(tmp_path, weights("a", "project"))
    found = project_catalogue(base, tmp_path / "r.yaml")
    assert found.weights["a"].path == tmp_path / "project.safetensors"
    assert project_catalogue(base, CATALOGUE.parent / "mine.yaml") is base  # a recipe in a checkout of plic
