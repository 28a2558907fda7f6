"""The file of an evaluation's results: JSON out and in.

A value that is not finite (the PSNR of identical pictures, the MS-SSIM of small ones) is the string ``"Infinity"`` or
``"NaN"``. Formats 2 and 3 add fields to the one before; older files are read, and what they did not record is None or
empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from ..errors import PlicError
from ..files import read_file, write_atomically
from .results import Evaluation, Record


class _File(Record):
    plic_evaluation: Literal[1, 2, 3] = 3
    evaluations: tuple[Evaluation, ...]


def write_evaluations(path: str | Path, evaluations: Sequence[Evaluation]) -> None:
    """Write a results file, whole or not at all.

    Raises:
        FileError: it cannot be written.
    """
    write_atomically(path, _File(evaluations=tuple(evaluations)).model_dump_json(indent=1).encode() + b"\n")


def read_evaluations(path: str | Path) -> list[Evaluation]:
    """Read a results file.

    Raises:
        FileError: it cannot be read.
        PlicError: it is not a results file.
    """
    data = read_file(path)
    try:
        return list(_File.model_validate_json(data).evaluations)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise PlicError(
            f"{path} is not a results file", got=f"{where}: {first['msg']}", hint="write one with `plic evaluate`"
        ) from error
