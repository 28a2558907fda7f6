"""Files from elsewhere: whole, resumed, verified, refused; against a web server on this machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import Server, serving

from plic.core.errors import FileError, WeightsError
from plic.core.fetching import Download, cached_path, fetch, reporting, transfer, url_fault

DATA = bytes(range(256)) * 3000
LABEL = "weights of mine"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLIC_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PLIC_OFFLINE", raising=False)
    monkeypatch.setattr(transfer, "PAUSES", (0.0, 0.01))
    return tmp_path / "cache" / "weights"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(DATA) as running:
        yield running


def leave_part(cache: Path, data: bytes) -> Path:
    """What an interrupted transfer of the server's file leaves."""
    cache.mkdir(parents=True)
    part = cache / f"{hashlib.sha256(DATA).hexdigest()}.part"
    part.write_bytes(data)
    return part


# --- what works -----------------------------------------------------------------------------------------------------


def test_a_whole_file_is_fetched_once_and_reported(server: Server, cache: Path) -> None:
    told: list[tuple[str, int, int]] = []
    with reporting(lambda *state: told.append(state)):
        path = fetch(server.download, LABEL)
    assert path == cache / f"{server.download.sha256}.safetensors" == cached_path(server.download.sha256)
    assert path.read_bytes() == DATA
    assert not path.stat().st_mode & 0o111
    assert told[0] == (LABEL, 0, len(DATA))
    assert told[-1] == (LABEL, len(DATA), len(DATA))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert fetch(server.download, LABEL) == path
    assert server.asked == [""]
    assert sorted(file.suffix for file in cache.iterdir()) in ([".lock", ".safetensors"], [".safetensors"])


def test_what_was_left_of_an_interrupted_transfer_is_completed(server: Server, cache: Path) -> None:
    leave_part(cache, DATA[:100_000])
    assert fetch(server.download, LABEL).read_bytes() == DATA
    assert server.asked == ["bytes=100000-"]


def test_an_interrupt_leaves_what_is_there(server: Server, cache: Path) -> None:
    def interrupt(_: str, done: int, __: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), reporting(interrupt):
        fetch(server.download, LABEL)
    part = cache / f"{server.download.sha256}.part"
    assert 0 < part.stat().st_size < len(DATA)
    assert fetch(server.download, LABEL).read_bytes() == DATA
    assert server.asked[1] == f"bytes={transfer.CHUNK}-"
    assert not part.exists()


def test_a_server_without_ranges_sends_all_of_it_again(server: Server, cache: Path) -> None:
    leave_part(cache, b"x" * 1000)
    server.ranges = False
    assert fetch(server.download, LABEL).read_bytes() == DATA


def test_a_broken_connection_is_taken_up_again(server: Server) -> None:
    server.cuts, server.refusals = [300_000, 200_000], [503]
    assert fetch(server.download, LABEL).read_bytes() == DATA
    assert server.asked == ["", "", "bytes=300000-", "bytes=500000-"]


@pytest.mark.parametrize("rest", [b"x" * 1000, b"x" * len(DATA), b"x" * (len(DATA) + 1)], ids=["short", "full", "long"])
def test_a_rest_that_belongs_to_another_file_is_thrown_away(server: Server, cache: Path, rest: bytes) -> None:
    leave_part(cache, rest)
    assert fetch(server.download, LABEL).read_bytes() == DATA


def test_a_damaged_file_in_the_cache_is_fetched_again(server: Server) -> None:
    path = fetch(server.download, LABEL)
    path.write_bytes(DATA[:-1] + b"x")
    assert fetch(server.download, LABEL).read_bytes() == DATA


def test_redirections_are_followed(server: Server, cache: Path) -> None:
    leave_part(cache, DATA[:1000])
    server.redirect = f"{server.address}/moved.safetensors"
    assert fetch(server.download, LABEL).read_bytes() == DATA
    assert server.asked == ["bytes=1000-", "bytes=1000-"]


def test_a_file_of_this_machine(tmp_path: Path, cache: Path) -> None:
    source = tmp_path / "a b.safetensors"
    source.write_bytes(DATA)
    leave_part(cache, DATA[:1000])
    download = Download(source.as_uri(), hashlib.sha256(DATA).hexdigest(), len(DATA))
    assert fetch(download, LABEL).read_bytes() == DATA


def test_processes_that_fetch_at_once_fetch_once(server: Server, cache: Path) -> None:
    code = (
        "import sys\nfrom plic.core.fetching import Download, fetch\n"
        "print(fetch(Download(sys.argv[1], sys.argv[2], int(sys.argv[3])), 'weights'))"
    )
    arguments = (server.url, server.download.sha256, str(len(DATA)))
    command = (sys.executable, "-c", code, *arguments)
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = {process.communicate(timeout=120)[0].strip() for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert printed == {str(cached_path(server.download.sha256))}
    assert cached_path(server.download.sha256).read_bytes() == DATA
    assert server.asked == [""]


# --- what is refused ------------------------------------------------------------------------------------------------


def test_a_wrong_digest_is_refused_with_both(server: Server, cache: Path) -> None:
    wanted = Download(server.url, "0" * 64, len(DATA))
    with pytest.raises(WeightsError, match="they were thrown away") as caught:
        fetch(wanted, LABEL)
    assert caught.value.got == f"SHA-256 {hashlib.sha256(DATA).hexdigest()}"
    assert caught.value.expected == f"SHA-256 {'0' * 64}"
    assert not [file for file in cache.iterdir() if file.suffix != ".lock"]


@pytest.mark.parametrize("stated", [1000, len(DATA) + 1])
def test_a_wrong_size_is_refused_before_anything_is_fetched(server: Server, cache: Path, stated: int) -> None:
    with pytest.raises(WeightsError, match="not of the size") as caught:
        fetch(Download(server.url, server.download.sha256, stated), LABEL)
    assert "768,000 bytes" in str(caught.value.got)
    assert not [file for file in cache.iterdir() if file.suffix != ".lock"]


def test_a_server_that_always_breaks_off(server: Server, cache: Path) -> None:
    server.ranges, server.cuts = False, [300_000] * 9
    with pytest.raises(WeightsError, match="could not be fetched") as caught:
        fetch(server.download, LABEL)
    assert "300,000 bytes are there" in str(caught.value.got)
    assert "it goes on where it stopped" in str(caught.value.hint)
    assert f"curl -L --create-dirs -o {cached_path(server.download.sha256)}" in str(caught.value.hint)
    assert (cache / f"{server.download.sha256}.part").stat().st_size == 300_000


@pytest.mark.parametrize("code", [404, 403, 410])
def test_a_refusal_is_final(server: Server, code: int) -> None:
    server.refusals = [code]
    with pytest.raises(WeightsError, match="cannot be fetched") as caught:
        fetch(server.download, LABEL)
    assert f"HTTP {code}" in str(caught.value.got)
    assert server.url in str(caught.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize("place", ["file:///etc/passwd", "http://example.org/w.safetensors", "ftp://example.org/w"])
def test_redirections_elsewhere_are_refused(server: Server, place: str) -> None:
    server.redirect = place
    with pytest.raises(WeightsError, match=r"cannot be fetched|redirects to a place") as caught:
        fetch(server.download, LABEL)
    assert place in str(caught.value.got)


def test_without_a_connection_the_message_says_what_to_do(cache: Path) -> None:
    with serving(DATA) as gone:
        download = gone.download
    with pytest.raises(WeightsError, match="could not be fetched") as caught:
        fetch(download, LABEL)
    assert "refused" in str(caught.value.got)
    assert "check the connection" in str(caught.value.hint)


def test_offline_nothing_is_asked_for_but_the_cache_serves(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIC_OFFLINE", "1")
    with pytest.raises(WeightsError, match="PLIC_OFFLINE forbids") as caught:
        fetch(server.download, LABEL)
    assert not server.asked
    target = cached_path(server.download.sha256)
    assert f"curl -L --create-dirs -o {target} {server.url}" in str(caught.value.hint)
    target.parent.mkdir(parents=True)
    target.write_bytes(DATA)
    assert fetch(server.download, LABEL) == target


def test_a_missing_file_of_this_machine(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        fetch(Download((tmp_path / "no.safetensors").as_uri(), "0" * 64, 9), LABEL)


def test_a_cache_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(FileError, match="the cache cannot be written") as caught:
        fetch(server.download, LABEL, {**os.environ, "PLIC_CACHE": str(tmp_path / "taken")})
    assert "PLIC_CACHE" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://example.org/w.safetensors", None),
        ("http://localhost:8000/w", None),
        ("http://[::1]/w", None),
        ("file:///a/w", None),
        ("http://example.org/w", "http is neither private nor authentic"),
        ("http://localhost.example.org/w", "http is neither private nor authentic"),
        ("file://server/w", "it is no absolute path"),
        ("https:///w", "it names no host"),
        ("https://host:port/w", "Port could not be cast to integer value as 'port'"),
        ("ssh://host/w", "nothing is fetched by 'ssh'"),
        ("w.safetensors", "it is no URL"),
    ],
)
def test_where_files_may_come_from(url: str, fault: str | None) -> None:
    assert url_fault(url) == fault


# --- the cache's place ----------------------------------------------------------------------------------------------


def test_the_cache_is_where_the_system_wants_it(tmp_path: Path) -> None:
    def folder(**environ: str) -> Path:
        return cached_path("a", environ).parent.parent

    assert folder(PLIC_CACHE="/a", XDG_CACHE_HOME="/b") == Path("/a")
    assert folder(XDG_CACHE_HOME="/b") == Path("/b/plic")
    assert folder(XDG_CACHE_HOME="b") == folder()  # relative ones do not count
    assert folder().is_relative_to(Path.home())
