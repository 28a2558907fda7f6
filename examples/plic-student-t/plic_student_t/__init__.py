"""Head ``student-t`` for plic: a mixture of Student-t densities with learned degrees of freedom."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from plic.core.hookspecs import hookimpl
from plic.core.probability import FamilyFile
from plic.core.registry import PartSpec

from plic_student_t.head import StudentT
from plic_student_t.ladder import TABLES

__all__ = ["PLIC_API", "StudentT"]

PLIC_API = 1


@hookimpl
def plic_register_parts() -> Iterable[PartSpec]:
    return [PartSpec("head", "student-t", StudentT)]


@hookimpl
def plic_register_families() -> Iterable[FamilyFile]:
    return [TABLES]


@hookimpl
def plic_register_recipes() -> Iterable[str]:
    return [str(Path(__file__).resolve().parent / "recipes")]
