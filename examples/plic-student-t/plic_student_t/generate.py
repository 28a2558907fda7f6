"""Derives ``student_t.npz`` from its definition: ``python -m plic_student_t.generate``.

Run once, by the author; needs mpmath. The committed file is what counts: weights that were made with another are
refused, so it should never change.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from mpmath import mp, mpf
from numpy.typing import NDArray
from plic.core.probability import write_families
from plic.core.probability.generate import REACH, family_table

from plic_student_t.ladder import RUNGS, SCALES_PER_UNIT, STEPS, TABLES, family_name

PRECISION = 80
"""Bits of the calculation; the tables have 30."""


def student_t_tail(rung: int, t: Any) -> Any:
    """Upper tail of the standard Student-t density at ``t >= 0``."""
    if rung == STEPS:
        return mp.erfc(t / mp.sqrt(2)) / 2
    degrees = mpf(STEPS) / (STEPS - rung)
    return mp.betainc(degrees / 2, mpf(1) / 2, 0, degrees / (degrees + t * t), regularized=True) / 2


def tail_of(rung: int) -> Callable[[Any], Any]:
    """Upper tail in units of the table, of the density cut off where the table ends."""
    beyond = student_t_tail(rung, mpf(REACH * SCALES_PER_UNIT))
    return lambda u: (student_t_tail(rung, SCALES_PER_UNIT * u) - beyond) / (1 - 2 * beyond)


def derive(rungs: Iterable[int] = range(RUNGS)) -> dict[str, NDArray[np.int32]]:
    """The tables of some rungs, by name."""
    with mp.workprec(PRECISION):
        return {family_name(rung): family_table(tail_of(rung)) for rung in rungs}


def main() -> None:
    """Write the file, beside this script or where the argument says, and print its SHA-256."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else TABLES.path
    print(write_families(path, derive()))


if __name__ == "__main__":
    main()
