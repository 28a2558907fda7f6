"""Which catalogue files there are, and what they say together."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PlicError
from ..files import names_like
from ..user_folders import config_folder
from .model import Catalogue, WeightsEntry
from .read import read_catalogue

if TYPE_CHECKING:
    from ..plugins import Plugin

NAME = "registry.yaml"
CATALOGUE = Path(__file__).resolve().parent.parent.parent / NAME
VARIABLE = "PLIC_REGISTRY"


@cache
def shipped_catalogue() -> Catalogue:
    """The catalogue that comes with plic, alone."""
    return read_catalogue(CATALOGUE, CATALOGUE.parent / "weights")


def is_shipped(entry: WeightsEntry) -> bool:
    """Whether plic itself comes with the weights."""
    return entry.origin.startswith(f"{CATALOGUE}:")


def installed_catalogue(plugins: Iterable[Plugin] = (), environ: Mapping[str, str] = os.environ) -> Catalogue:
    """The catalogue of this installation and this user: plic's own, those of plugins, the user's.

    A plugin's file that is malformed is left out with a warning, as a broken plugin harms nobody else.

    Raises:
        PlicError: a file of the user's is missing or malformed.
    """
    found = shipped_catalogue()
    for plugin in plugins:
        for file in plugin.catalogue_files:
            try:
                found = found.overlaid(_of_plugin(file))
            except PlicError as error:
                warnings.warn(f"a catalogue of {plugin.provider} is left out: {error}", stacklevel=2)
    for file in user_files(environ):
        found = found.overlaid(read_catalogue(file))
    return found


def user_files(environ: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """The user's catalogue files: that in the folder of settings, then those that ``PLIC_REGISTRY`` names.

    Raises:
        PlicError: the variable names a file that is not there.
    """
    usual = config_folder(environ) / NAME
    if usual.is_file():
        yield usual
    for name in filter(None, environ.get(VARIABLE, "").split(os.pathsep)):
        path = Path(name).expanduser()
        if not path.is_file():
            raise PlicError(
                f"{VARIABLE} names a file that is not there",
                got=str(path),
                expected=f"paths of files like {NAME}, with {os.pathsep!r} between them",
                near=names_like(path),
                hint=f"mend or unset {VARIABLE}",
            )
        yield path


def project_catalogue(base: Catalogue, recipe: Path) -> Catalogue:
    """A catalogue overlaid with the ``registry.yaml`` beside a recipe, if there is one.

    Raises:
        PlicError: that file is malformed.
    """
    file = recipe.absolute().parent / NAME
    if not file.is_file() or file.samefile(CATALOGUE):
        return base
    return base.overlaid(read_catalogue(file))


def _of_plugin(file: Path) -> Catalogue:
    found = read_catalogue(file)
    if found.default:
        raise PlicError(
            f"{found.default_origin}: a plugin does not choose the default codec",
            got=f"default: {found.default}",
            expected="weights and providers",
            hint="users name it in a catalogue of their own",
        )
    return found
