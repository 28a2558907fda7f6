"""Streams of weights that came with an earlier plic: decoded with those, or refused with the way to get them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import plic
from plic.core.api import codec_for, codec_of
from plic.core.catalogue import EarlierWeights, read_catalogue, shipped_catalogue
from plic.core.container import pack, unpack
from plic.core.errors import PlicError, StreamMismatch
from plic.core.registry import Registry, default_registry

ROOT = Path(__file__).parent.parent
GOLDEN = "tests/golden/house.plic"
EARLIER = [old for entry in shipped_catalogue().weights.values() for old in entry.earlier.values()]
ENTRY = f"file: h.safetensors, sha256: '{'0' * 64}', qualities: 6, bytes: 9"


def git_file(revision: str, path: str) -> bytes:
    """A file out of the repository's history; the test is skipped where there is none, or only a part of it."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no history of the repository")
    if subprocess.run(["git", "cat-file", "-e", f"{revision}^{{commit}}"], cwd=ROOT, capture_output=True).returncode:
        pytest.skip(f"the history here does not reach back to {revision}")
    return subprocess.run(["git", "show", f"{revision}:{path}"], cwd=ROOT, capture_output=True, check=True).stdout


def stream_of(fingerprint: bytes) -> bytes:
    """A sound stream of the default recipe that names other weights."""
    stream = unpack((ROOT / GOLDEN).read_bytes())
    return pack(replace(stream, header=replace(stream.header, fingerprint=fingerprint)))


# --- what the refusal says ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", EARLIER, ids=lambda old: old.fingerprint)
def test_the_refusal_names_earlier_weights_and_how_to_get_them(old: EarlierWeights) -> None:
    with pytest.raises(StreamMismatch, match="came with an earlier plic") as caught:
        codec_of(unpack(stream_of(bytes.fromhex(old.fingerprint))).header)
    message = str(caught.value)
    assert f"{old.fingerprint}: {old.note}" in message
    assert f"git show {old.revision}:{old.file} > {old.recipe}-{old.fingerprint}.safetensors" in message
    assert f"plic decode --model {old.recipe}-{old.fingerprint}.safetensors" in message


@pytest.mark.parametrize("old", EARLIER, ids=lambda old: old.fingerprint)
def test_a_codec_that_is_asked_directly_says_so_too(old: EarlierWeights) -> None:
    with pytest.raises(StreamMismatch, match="git show") as caught:
        plic.load("house").decode(stream_of(bytes.fromhex(old.fingerprint)))
    assert caught.value.hint == old.hint


def test_weights_that_nobody_knows_are_refused_as_such() -> None:
    with pytest.raises(StreamMismatch, match="made with other weights of recipe 'house'") as caught:
        codec_for("house", bytes(4))
    assert caught.value.got == "00000000"
    assert "git" not in str(caught.value)


def test_the_shipped_weights_may_be_listed_before_they_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = shipped_catalogue()
    present = codec_of(unpack((ROOT / GOLDEN).read_bytes()).header).fingerprint
    old = EarlierWeights("house", present.hex(), "present", "0" * 40, "weights/house.safetensors")
    entry = replace(catalogue.weights["house"], earlier={old.fingerprint: old})
    registry = Registry(default_registry().plugins, replace(catalogue, weights={"house": entry}))
    monkeypatch.setattr("plic.core.api.default_registry", lambda: registry)
    codec_for.cache_clear()
    assert codec_for("house", present).fingerprint == present


# --- the weights are where the catalogue says -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("old", EARLIER, ids=lambda old: old.fingerprint)
def test_a_stream_of_earlier_weights_decodes_with_them(old: EarlierWeights, tmp_path: Path) -> None:
    weights = tmp_path / f"{old.recipe}-{old.fingerprint}.safetensors"
    weights.write_bytes(git_file(old.revision, old.file))
    codec = plic.load(weights)
    assert codec.fingerprint.hex() == old.fingerprint
    stream = git_file(old.revision, GOLDEN)  # the revision that brought weights brought a stream of theirs, too
    assert unpack(stream).header.fingerprint.hex() == old.fingerprint
    codec.decode_picture(stream)  # checks the digest of all symbols


# --- the catalogue --------------------------------------------------------------------------------------------------


def test_earlier_weights_are_read(tmp_path: Path) -> None:
    path = tmp_path / "registry.yaml"
    old = f"{{note: first, revision: '{'a' * 40}', file: weights/h.safetensors}}"
    path.write_text(f"default: house\nweights: {{house: {{{ENTRY}, earlier: {{'01234567': {old}}}}}}}\n")
    catalogue = read_catalogue(path)
    fingerprint = bytes.fromhex("01234567")
    expected = EarlierWeights("house", "01234567", "first", "a" * 40, "weights/h.safetensors")
    assert catalogue.earlier("house", fingerprint) == expected
    assert catalogue.earlier("house", bytes(4)) is None
    assert catalogue.earlier("other", fingerprint) is None


@pytest.mark.parametrize(
    ("earlier", "where"),
    [
        ("[first]", "weights.house.earlier is malformed"),
        ("{12345678: {}}", "weights.house.earlier is malformed"),  # not in quotes: a number
        ("{abc: {}}", "weights.house.earlier.abc is malformed"),
        ("{abcdefgh: {}}", "weights.house.earlier.abcdefgh is malformed"),
        ("{8fc6a4ec: first}", "weights.house.earlier.8fc6a4ec is malformed"),
        ("{8fc6a4ec: {nota: first}}", "weights.house.earlier.8fc6a4ec is malformed"),
        ("{8fc6a4ec: {note: 3}}", "weights.house.earlier.8fc6a4ec.note is malformed"),
        ("{8fc6a4ec: {note: a, revision: 8aa9cfa}}", "weights.house.earlier.8fc6a4ec.revision is malformed"),
        (f"{{8fc6a4ec: {{note: a, revision: {'a' * 40}}}}}", "weights.house.earlier.8fc6a4ec.file is malformed"),
    ],
)
def test_malformed_earlier_weights(tmp_path: Path, earlier: str, where: str) -> None:
    path = tmp_path / "registry.yaml"
    path.write_text(f"default: house\nweights: {{house: {{{ENTRY}, earlier: {earlier}}}}}\n")
    with pytest.raises(PlicError, match=where):
        read_catalogue(path)
