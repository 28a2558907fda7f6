"""Transform ``wavelet`` for plic: filter banks of PyWavelets in place of a network."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from plic.core.hookspecs import hookimpl
from plic.core.registry import PartSpec

from .wavelet import Wavelet

__all__ = ["PLIC_API", "Wavelet", "plic_register_parts", "plic_register_recipes"]

PLIC_API = 1  # the version of the hooks that this plugin was written for


@hookimpl
def plic_register_parts() -> Iterable[PartSpec]:
    """The parts of this distribution: slot, id, class."""
    return [PartSpec("transform", "wavelet", Wavelet)]


@hookimpl
def plic_register_recipes() -> Iterable[str]:
    """The folder with this distribution's recipes."""
    return [str(Path(__file__).resolve().parent / "recipes")]
