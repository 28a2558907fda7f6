"""``plic plugin new`` and ``check``."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from .shared import terminal_width


@click.group()
def plugin() -> None:
    """Begin a plugin of your own, and check installed ones."""


@plugin.command("new")
@click.argument("name")
@click.option("--slot", required=True, metavar="SLOT", help="What its part fills: transform, head, coder, ...")
@click.option("--part", metavar="ID", help="Id of the part; NAME without `plic-` by default.")
@click.option("--out", default=".", metavar="DIR", help="Folder to put the new folder NAME into; this one by default.")
def plugin_new(name: str, slot: str, part: str | None, out: str) -> None:
    """Write a small complete distribution NAME. It holds one part, tests, a README and a CI file."""
    from ..commands.scaffolding import new_distribution

    written = new_distribution(name, slot, part, out)
    for file in written.files:
        click.echo(f"-> {written.folder / file}", err=True)
    click.echo("\n".join(["", "Go on with", *(f"  {step}" for step in written.next_steps())]), err=True)


@plugin.command("check")
@click.argument("distributions", nargs=-1, metavar="[DISTRIBUTION...]")
@click.option("--set", "settings", multiple=True, metavar="SLOT.ID.KEY=VALUE", help="Try a part with this; repeatable.")
@click.option("--examples", type=click.IntRange(min=1), metavar="N", help="Tries of each property of a contract.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugin_check(distributions: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Try parts of installed plugins against their contracts. The exit code is 1 if one does not hold."""
    from ..commands.checking import check_plugins

    show = (lambda line: None) if as_json else click.echo
    found = check_plugins(distributions, show=show, width=terminal_width(), **options)
    if as_json:
        click.echo(json.dumps([one.as_dict() for one in found], indent=2))
    sys.exit(0 if all(one.holds for one in found) else 1)
