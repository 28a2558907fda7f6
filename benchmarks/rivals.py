"""Other frameworks beside plic: how they are imported."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import click


def has_compressai() -> bool:
    """Whether CompressAI is installed."""
    return "compressai" in sys.modules or find_spec("compressai") is not None


def import_compressai() -> None:
    """Let ``compressai`` be imported where torchvision and torch-geometric are missing.

    Its package imports data sets and their transforms, which need both; models, losses and optimisers do not.

    Raises:
        click.ClickException: it is not installed.
    """
    if not has_compressai():
        raise click.ClickException(
            "this compares with CompressAI, which is not installed: see benchmarks/README.md, Beside CompressAI"
        )
    if "compressai" in sys.modules:
        return
    missing = [name for name in ("torchvision", "torch_geometric") if find_spec(name) is None]
    if not missing:
        return
    for name in missing:
        stub: Any = ModuleType(name)
        stub.transforms = ModuleType(f"{name}.transforms")
        sys.modules |= {name: stub, f"{name}.transforms": stub.transforms}
    sys.modules |= {name: ModuleType(name) for name in ("compressai.datasets", "compressai.transforms")}
