"""Every hook of plic. A plugin implements what it needs and leaves the rest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from .importing import Importer
    from .registry import PartSpec

PROJECT = "plic"
API_VERSION = 1
"""Version of the hooks and slots. A plugin states the one that it was written for as ``PLIC_API``."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def plic_register_parts() -> Iterable[PartSpec]:
    """Parts that the plugin provides, as ``PartSpec(slot, id, class)``. Since 1."""
    raise NotImplementedError


@hookspec
def plic_register_recipes() -> Iterable[str]:
    """Folders, as absolute paths, that hold the plugin's recipes (``*.yaml``). Since 1."""
    raise NotImplementedError


@hookspec
def plic_register_importers() -> Iterable[Importer]:
    """Readers of other frameworks' checkpoints, for `plic import`. Since 1."""
    raise NotImplementedError


@hookspec
def plic_register_anchors() -> Iterable[Path]:
    """Files (JSON), as absolute paths, that hold rate-distortion curves to compare with. Since 1."""
    raise NotImplementedError
