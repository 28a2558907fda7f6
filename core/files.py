"""Files: written whole or not at all, and recognised by their first bytes."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import FileError, near_matches

_SIGNATURES = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\3\4", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"plic", "a .plic file"),
)
_SNIFFED = 64


def what_it_seems(data: bytes) -> str:
    """What the first bytes of a file say it is, in words for a message: ``a PNG picture``, ``text``, ``empty``."""
    if not data:
        return "empty"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "a WebP picture"
    if data[4:8] == b"ftyp":
        return "an AVIF or HEIC picture" if data[8:12] in (b"avif", b"avis", b"heic", b"mif1") else "an MP4-like file"
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    start = data[:_SNIFFED]
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start):
        return f"text beginning {start[:24].decode('ascii')!r}"
    return f"unknown bytes beginning {start[:8].hex(' ')}"


def names_like(path: Path) -> list[str]:
    """Up to three names in the folder of ``path`` that resemble its name; for "no such file" messages."""
    try:
        return near_matches(path.name, (entry.name for entry in path.parent.iterdir()))
    except OSError:
        return []


def make_folder(folder: Path, option: str = "--out") -> None:
    """Make a folder for results, with those above it; it may be there already.

    Args:
        folder: which.
        option: of the command, by which people name another one.

    Raises:
        FileError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            "the folder cannot be made", got=f"{folder}: {error.strerror}", hint=f"name another folder with {option}"
        ) from error


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The whole content of a file.

    Raises:
        FileError: it is missing, a folder, or not readable.
    """
    target = Path(path)
    try:
        return target.read_bytes()
    except FileNotFoundError as error:
        hint = "check the path; it is taken relative to the current folder"
        raise FileError("no such file", got=str(target), near=names_like(target), hint=hint) from error
    except OSError as error:
        raise FileError("the file cannot be read", got=f"{target}: {error.strerror}", hint=_hint(error)) from error


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file whole or not at all: readers see the old content or the new, never a part.

    The data goes to a temporary file in the same folder, which then takes the name of ``path``. A symbolic link is
    followed; an existing file keeps its permissions; a device or pipe (``/dev/stdout``) is written to directly.

    Args:
        path: the file; its folder must exist.
        data: the whole content.

    Raises:
        FileError: the folder is missing, the path is a folder, or writing is not permitted or fails.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise FileError("cannot write a file over a folder", got=str(path), hint="name a file inside it")
    if not target.parent.is_dir():
        there = target.parent.exists()
        hint = "it is a file; name a folder" if there else f"make it first: mkdir -p {target.parent}"
        raise FileError("the folder to write into does not exist", got=str(target.parent), hint=hint)
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        with _temporary_beside(target) as temporary:
            _write_new(temporary, data)
            if target.exists():
                shutil.copymode(target, temporary)
            os.replace(temporary, target)
    except OSError as error:
        raise FileError("the file cannot be written", got=f"{path}: {error.strerror}", hint=_hint(error)) from error


@contextmanager
def _temporary_beside(target: Path) -> Iterator[Path]:
    """A fresh name in the folder of ``target``; whatever lies there in the end is removed."""
    temporary = target.with_name(f".plic-{secrets.token_hex(6)}.tmp")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _write_new(path: Path, data: bytes) -> None:
    # "x" refuses an existing file, and the mode is the user's umask, unlike that of tempfile (0600)
    with open(path, "xb") as file:
        file.write(data)


def _hint(error: OSError) -> str:
    if isinstance(error, IsADirectoryError):
        return "name a file inside it"
    if isinstance(error, PermissionError):
        return "check the permissions of the file and its folder"
    return "check the path and the space left on the disk"
