"""The cache: a file's name is its SHA-256, and what bears that name was verified before it got it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..errors import FileError, WeightsError
from ..user_folders import cache_folder
from .model import Download, report

SUFFIX = ".safetensors"
WAIT = 0.5
"""Seconds between looks at how far another process is that fetches the same file."""


def cached_path(sha256: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the file of a digest lies in the cache, or would."""
    return cache_folder(environ) / "weights" / f"{sha256}{SUFFIX}"


def is_sound(path: Path, sha256: str) -> bool:
    """Whether a file is there and has the digest."""
    return path.is_file() and sha256_of(path) == sha256


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits.

    Raises:
        FileError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileError("the file cannot be read", got=f"{path}: {error.strerror}", hint="check the path") from error


def fetch(download: Download, label: str, environ: Mapping[str, str] = os.environ) -> Path:
    """The file of a download, from the cache if it is there.

    What an interrupted transfer left is completed. The file gets its name only after its size and digest were
    verified, so that whoever finds it there may use it. Of several processes one fetches, the others wait for it.

    Args:
        download: what to fetch.
        label: what it is, for progress and messages, for instance ``weights of my-codec``.
        environ: where ``PLIC_CACHE`` and ``PLIC_OFFLINE`` are looked up.

    Raises:
        WeightsError: it cannot be had, or is not what it should be.
        FileError: the cache cannot be written.
    """
    target = cached_path(download.sha256, environ)
    if is_sound(target, download.sha256):
        return target
    if environ.get("PLIC_OFFLINE", "") not in ("", "0"):
        raise WeightsError(
            f"the {label} are not in the cache, and PLIC_OFFLINE forbids fetching them",
            got=f"no {target}",
            expected=f"SHA-256 {download.sha256}, as at {download.url}",
            hint=f"unset PLIC_OFFLINE, or {by_hand(download, target)}",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _turn(target, label, download.size):
            if not is_sound(target, download.sha256):  # another process may have been here
                part = target.with_suffix(".part")
                _complete(download, part, target, label)
                os.replace(part, target)
    except OSError as error:
        hint = "check the space left on the disk, or name another folder in PLIC_CACHE"
        raise FileError("the cache cannot be written", got=f"{target.parent}: {error}", hint=hint) from error
    return target


def by_hand(download: Download, target: Path) -> str:
    """What to do where plic cannot fetch, for a message."""
    return f"fetch the file elsewhere and put it here: curl -L --create-dirs -o {target} {download.url}"


@contextmanager
def _turn(target: Path, label: str, size: int) -> Iterator[None]:
    """Wait until no other process fetches the file, showing how far that one is."""
    from filelock import FileLock, Timeout

    lock = FileLock(target.with_suffix(".lock"))
    part = target.with_suffix(".part")
    while True:
        try:
            lock.acquire(timeout=WAIT)
            break
        except Timeout:
            report(label, size_of(part), size)
    try:
        yield
    finally:
        lock.release()


def _complete(download: Download, part: Path, target: Path, label: str) -> None:
    """Make the partial file whole and verify it; what was left over from before may be worth nothing."""
    from .transfer import Job, transfer  # urllib: not for those who fetch nothing

    while True:
        resumed = size_of(part) > 0
        transfer(Job(download, part, target, label))
        if (found := sha256_of(part)) == download.sha256:
            return
        part.unlink()
        if not resumed:
            raise WeightsError(
                f"the {label} at {download.url} are not those that the catalogue describes; they were thrown away",
                got=f"SHA-256 {found}",
                expected=f"SHA-256 {download.sha256}",
                hint="do not use that file; ask whoever wrote the catalogue's entry which digest is right",
            )


def size_of(path: Path) -> int:
    """Bytes of a file; 0 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
