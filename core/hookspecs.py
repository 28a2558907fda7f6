"""Every hook of plic. A plugin implements what it needs and leaves the rest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from .callback import Callback
    from .importing import Importer
    from .metric import MetricSpec
    from .probability import FamilyFile
    from .registry import PartSpec

PROJECT = "plic"
"""The group of entry points that name modules with hook implementations."""
COMMANDS = "plic.commands"
"""The group that names those with commands, so that ``plic --help`` needs to import no others."""
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


@hookspec
def plic_register_families() -> Iterable[FamilyFile]:
    """Files of probability families, with their SHA-256. Since 1.

    They are read and checked when the plugin is loaded, so that a damaged one is found before anything codes with it.
    """
    raise NotImplementedError


@hookspec
def plic_register_catalogues() -> Iterable[Path]:
    """Files in the form of ``registry.yaml``, as absolute paths: weights, and who provides what. Since 1."""
    raise NotImplementedError


@hookspec
def plic_register_commands() -> Iterable[click.Command]:
    """Commands of ``plic``. One of the name of a built-in command is never reached. Since 1.

    Looked for in modules that an entry point in the group ``plic.commands`` names: ``plic --help`` imports these alone,
    and waits for them.
    """
    raise NotImplementedError


@hookspec
def plic_register_metrics() -> Iterable[MetricSpec]:
    """Measures of closeness between pictures, for ``plic evaluate --metric``. Since 1."""
    raise NotImplementedError


@hookspec
def plic_register_callbacks() -> Iterable[type[Callback]]:
    """Classes whose instances are told how training goes, for ``plic train --callback``. Since 1."""
    raise NotImplementedError
