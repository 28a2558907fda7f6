"""The committed integer tables: standard CDFs, scales, exponentials.

They were derived once, with high-precision arithmetic, by ``generate.py``. Nothing is computed with the machine's own
``exp`` or ``erf``, whose last bits differ between machines.

    FAMILY_NODES          3073   entries of a standard CDF: 64 per unit over [-24, 24], linear in between
    SCALE_RECIPROCALS     2^20 / sigma_i, int64[449], for sigma_i = 2^(i/32 - 5): from 1/32 to 512
    SCALE_THRESHOLDS      int64[448], grid steps of 2^-12: the geometric middle of neighbouring scales
    EXPONENTIALS          2^24 exp(-d / 256), int32[4096], for logit differences below 16
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PlicError

GRID_BITS = 12
GRID = 1 << GRID_BITS  # grid steps per unit
CDF_BITS = 30
WEIGHT_BITS = 16
FAMILY_REACH = 24
NODES_PER_UNIT = 64
FAMILY_NODES = 2 * FAMILY_REACH * NODES_PER_UNIT + 1


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array


with np.load(Path(__file__).with_name("tables_v1.npz"), allow_pickle=False) as _file:
    _TABLES = {name: _read_only(_file[name]) for name in _file.files}

TABLES_VERSION = int(_TABLES["version"])
SCALE_RECIPROCALS: NDArray[np.int64] = _TABLES["scale_reciprocals"].astype(np.int64)
SCALE_THRESHOLDS: NDArray[np.int64] = _TABLES["scale_thresholds"].astype(np.int64)
EXPONENTIALS: NDArray[np.int32] = _TABLES["logits"].astype(np.int32)
SCALE_LEVELS = len(SCALE_RECIPROCALS)


@dataclass(frozen=True, eq=False)
class Family:
    """A location-scale family, given by its standard CDF as integers. A third party's is just another table.

    Families with the same table are equal, whatever they are called.

    Args:
        name: what reports call it.
        table: ``int32[3073]``, ``F(i/64 - 24)`` with 30 fractional bits; from exactly 0 to exactly 2^30, never falling.
            Values between the nodes are interpolated linearly; beyond them the CDF is 0 and 1.

    Raises:
        PlicError: the table has another shape or type, falls, or does not span 0 to 2^30.
    """

    name: str
    table: NDArray[np.int32]

    def __post_init__(self) -> None:
        table = np.asarray(self.table)
        problem = None
        if table.shape != (FAMILY_NODES,) or table.dtype != np.int32:
            problem = f"{table.dtype}{list(table.shape)}"
        elif table[0] != 0 or table[-1] != 1 << CDF_BITS:
            problem = f"ends {table[0]} and {table[-1]}"
        elif np.any(np.diff(table) < 0):
            problem = f"a fall after entry {int(np.argmax(np.diff(table) < 0))}"
        if problem:
            expected = f"int32[{FAMILY_NODES}] that rises from 0 to 2^{CDF_BITS}"
            raise PlicError(f"the CDF table of family {self.name!r} is not valid", got=problem, expected=expected)
        object.__setattr__(self, "table", _read_only(table.copy()))

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the table as little-endian int32, 32 bytes: what weights name the family by."""
        return hashlib.sha256(self.table.astype("<i4").tobytes()).digest()

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Family) and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __deepcopy__(self, memo: dict[int, Any]) -> Family:
        return self  # nothing in it can change, and a table is 12 KiB


GAUSSIAN = Family("gaussian", _TABLES["gaussian"].astype(np.int32))
LAPLACIAN = Family("laplacian", _TABLES["laplacian"].astype(np.int32))
LOGISTIC = Family("logistic", _TABLES["logistic"].astype(np.int32))
BUILT_IN = frozenset({GAUSSIAN, LAPLACIAN, LOGISTIC})
"""Families that come with plic and never change: weights need not name them."""


@lru_cache(maxsize=64)
def packed_families(families: tuple[Family, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What the kernels read: for each family the index of its node at u = 0, and all nodes as ``F << 32 | step``."""
    distinct = list(dict.fromkeys(families))
    blocks = []
    for family in distinct:
        nodes = family.table.astype(np.int64)
        steps = np.diff(nodes, append=nodes[-1])
        blocks.append(nodes << 32 | steps)
    centre = FAMILY_REACH * NODES_PER_UNIT
    starts = [distinct.index(family) * FAMILY_NODES + centre for family in families]
    return np.array(starts, dtype=np.int64), np.concatenate(blocks)
