"""The Student-t densities that there are tables of, and the units of those tables."""

from __future__ import annotations

from pathlib import Path

from plic.core.probability import FamilyFile

STEPS = 32
"""Rung i of the ladder has 1 / degrees of freedom = (32 - i) / 32: from Cauchy's density, rung 0, to Gauss's, 32.

Neighbours differ by so little that the one that is nearest codes as well as what training mixes of the two.
"""
RUNGS = STEPS + 1
SCALES_PER_UNIT = 4
"""Scales of the density in one unit of a table. Tables end at 24 units; Student-t densities need more room."""

TABLES = FamilyFile(
    Path(__file__).with_name("student_t.npz"),
    sha256="fe2ecba7953360c11893add399d64a43c1c09b9b306ace771371501fbb2b6ec8",
)


def family_name(rung: int) -> str:
    """What the table of a rung is called in the file."""
    return f"student-t-{rung:02d}"


def rung_of(degrees: float) -> float:
    """Where degrees of freedom, from 1 to infinity, lie on the ladder; between rungs it is a fraction."""
    return STEPS * (1 - 1 / degrees)
