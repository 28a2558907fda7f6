"""``requires``: the distributions that a recipe needs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ..errors import PluginError, RecipeError
from ..registry import Registry
from .yaml_source import Source


def check_requirements(requires: Mapping[str, object], source: Source, registry: Registry) -> dict[str, str]:
    """Check that what a recipe needs is installed and, where it is a plugin, loaded.

    Raises:
        RecipeError: a requirement is malformed.
        PluginError: a distribution is missing, of another version, failed to load or is disabled.
    """
    checked = {}
    for name, specifier in requires.items():
        where = source.where("requires", name)
        try:
            requirement = Requirement(name)
            requirement.specifier = SpecifierSet(str(specifier))
        except (InvalidRequirement, InvalidSpecifier) as error:
            raise RecipeError(
                f"{where}: requires.{name} is no version specifier", got=repr(specifier), expected='e.g. ">=1"'
            ) from error
        _check_installed(requirement, where, registry)
        registry.require_loaded(name)
        checked[name] = str(specifier)
    return checked


def _check_installed(requirement: Requirement, where: str, registry: Registry) -> None:
    hint = registry.catalogue.install_line(requirement.name, f"'{requirement}'")
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        raise PluginError(f"{where}: needs {requirement}, which is not installed", hint=hint) from None
    if not requirement.specifier.contains(installed, prereleases=True):
        raise PluginError(f"{where}: needs {requirement}, has {requirement.name} {installed}", hint=hint)
