"""Families that plugins bring: integer tables in a file, made once and known by its SHA-256.

    a generator, run once by the plugin's author -> write_families -> NAME.npz, and its SHA-256
    FamilyFile(path, sha256).read()              -> Family, Family, ...   in whoever encodes and decodes

The file has the form of ``tables_v1.npz``: ``version``, and one ``int32[3073]`` for each family, by its name.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError, PluginError
from ..files import read_file
from .tables import BUILT_IN, TABLES_VERSION, Family

VERSION = "version"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class FamilyFile:
    """A file of families, as `write_families` wrote it.

    Attributes:
        path: absolute, of the ``.npz`` file in the plugin's package.
        sha256: of the file, 64 lower-case hexadecimal digits.
    """

    path: Path
    sha256: str

    def read(self) -> dict[str, Family]:
        """The families by name, in the order of the file. Read once in a process.

        Raises:
            PluginError: the file is missing, is not the one that the SHA-256 is of, or holds something else.
        """
        return dict(_read(self.path, self.sha256))


def read_all(files: Iterable[object]) -> tuple[Family, ...]:
    """The families of all files, in order.

    Raises:
        PluginError: something is no `FamilyFile`, cannot be read, or two files hold families of one name.
    """
    found: dict[str, Family] = {}
    for file in files:
        if not isinstance(file, FamilyFile):
            raise PluginError("plic_register_families must give FamilyFile objects", got=repr(file))
        families = file.read()
        if twice := sorted(found.keys() & families):
            raise PluginError(f"family {twice[0]!r} is registered twice by the same plugin", got=file.path)
        found |= families
    return tuple(found.values())


def write_families(path: Path, tables: Mapping[str, NDArray[np.int32]]) -> str:
    """Write a file of families; for a plugin's generator, never for run time.

    Args:
        path: of the file to write, ``.npz``.
        tables: of each family by name, as `Family` takes them.

    Returns:
        Its SHA-256 in hexadecimal, to be written into the plugin's code.

    Raises:
        PlicError: a table is not valid, or a name is no id or taken.
    """
    _check_names(tables)
    arrays: dict[str, Any] = {VERSION: np.array(TABLES_VERSION, dtype=np.int32)}
    arrays |= {name: Family(name, table).table for name, table in tables.items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    path.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


@lru_cache(maxsize=64)
def _read(path: Path, sha256: str) -> tuple[tuple[str, Family], ...]:
    try:
        data = read_file(path)
    except FileError as error:
        hint = "list it in the plugin's package-data, or install the plugin again"
        raise PluginError(
            f"the file of families {path} cannot be read", got=error.got or error.problem, hint=hint
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise PluginError(
            f"the file of families {path} is not the one that its plugin was made with",
            got=f"SHA-256 {found}",
            expected=sha256,
            hint="install the plugin again; its author states the SHA-256 that the generator prints",
        )
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise PluginError(
            f"{path} is no file of families", got=str(error), hint="write it with write_families"
        ) from error
    version = arrays.pop(VERSION, None)
    if version is None or version.shape != () or int(version) != TABLES_VERSION:
        raise PluginError(
            f"{path} is no file of families of this version", got=version, expected=f"{VERSION} = {TABLES_VERSION}"
        )
    _check_names(arrays)
    return tuple((name, Family(name, table)) for name, table in arrays.items())


def _check_names(tables: Mapping[str, object]) -> None:
    taken = {VERSION, *(family.name for family in BUILT_IN)}
    wrong = sorted(name for name in tables if name in taken or not NAME.fullmatch(name))
    if wrong or not tables:
        raise PluginError(
            "a file of families must bring families with names of their own",
            got=", ".join(wrong) or "none",
            expected="lower-case letters and digits, joined by hyphens; neither 'version' nor a name of plic's",
        )
