"""Where a user's settings and caches belong on this system."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

NAME = "plic"


def config_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """``$XDG_CONFIG_HOME/plic`` where that is set, otherwise the system's usual place, ``~/.config/plic`` on Linux."""
    if (stated := _stated(environ, "XDG_CONFIG_HOME")) is not None:
        return stated / NAME
    if sys.platform == "win32":
        return _local_data(environ) / NAME
    home = Path.home()
    return home / "Library" / "Application Support" / NAME if sys.platform == "darwin" else home / ".config" / NAME


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """``PLIC_CACHE``, or ``$XDG_CACHE_HOME/plic``, or the system's usual place, ``~/.cache/plic`` on Linux."""
    if own := environ.get("PLIC_CACHE"):
        return Path(own).expanduser().absolute()
    if (stated := _stated(environ, "XDG_CACHE_HOME")) is not None:
        return stated / NAME
    if sys.platform == "win32":
        return _local_data(environ) / NAME / "Cache"
    home = Path.home()
    return home / "Library" / "Caches" / NAME if sys.platform == "darwin" else home / ".cache" / NAME


def _stated(environ: Mapping[str, str], variable: str) -> Path | None:
    """The folder that a variable names; the XDG specification wants relative paths ignored."""
    path = Path(environ.get(variable, ""))
    return path if path.is_absolute() else None


def _local_data(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
