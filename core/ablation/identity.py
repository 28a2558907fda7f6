"""What makes two runs the same: everything that their results depend on, as one key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files import read_file
from ..image import find_pictures
from ..recipe import Recipe
from .cells import content_of

FORMAT = 1
"""Raised when results of earlier runs must not be taken for those of this plic."""

Names = tuple[tuple[str, int], ...]
"""Pictures by path below their folder, and bytes of each file."""


@dataclass(frozen=True)
class Conditions:
    """What all cells of a study have in common, beside the seed.

    Attributes:
        data: photographs that are trained on, folder by folder.
        pictures: that are evaluated on.
        qualities: that are evaluated; all where it is empty.
        start: SHA-256 of the weights that training begins with; None for fresh ones.
        fresh: slots that begin anew all the same.
    """

    data: tuple[Names, ...]
    pictures: Names
    qualities: tuple[float, ...] = ()
    start: str | None = None
    fresh: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        data: Sequence[Path],
        pictures: Path,
        qualities: Sequence[float] = (),
        start: Path | None = None,
        fresh: Sequence[str] = (),
    ) -> Conditions:
        """Look at the folders and the weights.

        Raises:
            PlicError: a folder is missing or holds no pictures, or the weights cannot be read.
        """
        digest = None if start is None else hashlib.sha256(read_file(start)).hexdigest()
        return cls(
            tuple(map(_names, data)), _names(pictures), tuple(sorted(set(qualities))), digest, tuple(sorted(set(fresh)))
        )

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "data": [[list(one) for one in folder] for folder in self.data],
            "pictures": [list(one) for one in self.pictures],
            "qualities": list(self.qualities),
            "start": self.start,
            "fresh": list(self.fresh),
        }


def run_key(recipe: Recipe, conditions: Conditions) -> str:
    """SHA-256, in hexadecimal, over the resolved recipe (training settings, budget and seed included) and conditions.

    Folders are known by the names and sizes of their files: they may lie elsewhere. Device, threads and workers do not
    count, so that a study can go on on another machine.
    """
    content = {"format": FORMAT, "recipe": content_of(recipe), "conditions": conditions.as_dict()}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _names(folder: Path) -> Names:
    return tuple((path.relative_to(folder).as_posix(), path.stat().st_size) for path in find_pictures(folder))
