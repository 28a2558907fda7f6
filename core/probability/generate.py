"""Derives ``tables_v1.npz`` from its definition: ``python -m plic.core.probability.generate``.

A tool of the developers: the only file that needs mpmath, and never imported by plic itself. The committed file is what
counts; a test compares it with what this script derives.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mpmath import mp, mpf
from numpy.typing import NDArray

FRACTION_BITS = 30  # of a CDF entry
NODES_PER_UNIT = 64  # entries per standard unit
REACH = 24  # the tables span [-24, 24] standard units
LEVELS_PER_OCTAVE = 32
LEVELS = 14 * LEVELS_PER_OCTAVE + 1  # sigma from 2^-5 to 2^9
GRID = 4096  # grid steps per unit
LOGIT_STEPS = 256  # per unit of a logit difference
LOGIT_REACH = 16


def gaussian_tail(u: Any) -> Any:
    """Upper tail of the standard Gaussian."""
    return mp.erfc(u / mp.sqrt(2)) / 2


def laplacian_tail(u: Any) -> Any:
    """Upper tail of the Laplacian of scale b = 1."""
    return mp.exp(-u) / 2


def logistic_tail(u: Any) -> Any:
    """Upper tail of the logistic of scale s = 1."""
    return 1 / (1 + mp.exp(u))


def family_table(tail: Callable[[Any], Any]) -> NDArray[np.int32]:
    """The standard CDF at ``i/64 - 24``, ``int32[3073]`` of 30 fractional bits, from the upper tail for u >= 0."""
    one = 1 << FRACTION_BITS
    upper = [int(mp.nint(tail(mpf(i) / NODES_PER_UNIT) * one)) for i in range(REACH * NODES_PER_UNIT + 1)]
    upper[0], upper[-1] = one // 2, 0
    return np.array(upper[:0:-1] + [one - t for t in upper], dtype=np.int32)


def derive() -> dict[str, NDArray[Any]]:
    """Every array of the file, by name."""
    mp.prec = 120
    levels = range(LEVELS)
    sigma = [mpf(2) ** (mpf(i) / LEVELS_PER_OCTAVE - 5) for i in levels]
    middle = [mpf(2) ** ((i + mpf(1) / 2) / LEVELS_PER_OCTAVE - 5) for i in levels[:-1]]
    logits = [mp.exp(-mpf(d) / LOGIT_STEPS) for d in range(LOGIT_REACH * LOGIT_STEPS)]
    return {
        "version": np.array(1, dtype=np.int32),
        "gaussian": family_table(gaussian_tail),
        "laplacian": family_table(laplacian_tail),
        "logistic": family_table(logistic_tail),
        "scale_reciprocals": np.array([int(mp.nint(2**20 / s)) for s in sigma], dtype=np.int64),
        "scale_thresholds": np.array([int(mp.nint(m * GRID)) for m in middle], dtype=np.int64),
        "logits": np.array([int(mp.nint(e * 2**24)) for e in logits], dtype=np.int32),
    }


def main() -> None:
    """Write the file beside this script."""
    arrays: dict[str, Any] = dict(derive())
    np.savez_compressed(Path(__file__).with_name("tables_v1.npz"), **arrays)


if __name__ == "__main__":
    main()
