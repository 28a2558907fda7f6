"""The files of a study: page, CSV, JSON."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ..errors import FileError, PluginError
from ..files import write_atomically
from .gather import Gathered
from .page import html_page
from .table import csv_table, json_table

PAGE, TABLE, DATA = "index.html", "cells.csv", "cells.json"
_NEEDED = {"bjontegaard": "report", "jinja2": "report", "plotly": "report", "pytorch_msssim": "train"}
"""Packages, and the extra that brings each."""


def check_packages() -> None:
    """Refuse before hours of training what would be refused after them.

    Raises:
        PluginError: a package that the results need is not installed.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        extras = ",".join(sorted({_NEEDED[name] for name in missing}))
        raise PluginError(
            "ablation studies need packages that are not installed",
            got=f"no {', '.join(missing)}",
            hint=f"pip install 'plic[{extras}]'",
        )


def write_study(gathered: Gathered, out: Path | None = None, *, interactive: bool = True) -> tuple[Path, ...]:
    """Write page, CSV and JSON; each whole or not at all.

    Args:
        gathered: what is known of the study.
        out: folder; that of the study by default.
        interactive: as for `plic.core.ablation.page.html_page`; a page that is to be shipped is small without.

    Raises:
        FileError: one cannot be written.
    """
    out = gathered.plan.settings.out if out is None else out
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            "the folder cannot be made", got=f"{out}: {error.strerror}", hint="name another with --out"
        ) from error
    made = ((PAGE, html_page(gathered, interactive)), (TABLE, csv_table(gathered)), (DATA, json_table(gathered)))
    for name, text in made:
        write_atomically(out / name, text.encode())
    return tuple(out / name for name, _ in made)
