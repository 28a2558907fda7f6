"""``plic weights`` and ``import``."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from .shared import force_option, print_rows, settings_option


@click.group(name="weights")
def weights() -> None:
    """Show, fetch and verify the weights that catalogues list."""


_recipe_names = click.argument("names", nargs=-1, metavar="[RECIPE...]")


@weights.command(name="list")
@_recipe_names
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def weights_list(names: tuple[str, ...], as_json: bool) -> None:
    """List weights. Columns are recipe, state, size, where they are, and which catalogue says so."""
    from ..commands.weights import list_weights

    facts = list_weights(names)
    if as_json:
        click.echo(json.dumps([fact.as_dict() for fact in facts], indent=2))
    else:
        print_rows([fact.row() for fact in facts])


@weights.command(name="fetch")
@_recipe_names
def weights_fetch(names: tuple[str, ...]) -> None:
    """Fetch weights ahead of their use. All of them if no RECIPE is named; what is there is verified."""
    from ..commands.weights import fetch_weights

    for fact in fetch_weights(names):
        click.echo("  ".join(fact.row()))


@weights.command(name="verify")
@_recipe_names
def weights_verify(names: tuple[str, ...]) -> None:
    """Compute the SHA-256 of every file of weights. The exit code is 1 if one is damaged or missing."""
    from ..commands.weights import verify_weights

    facts = list(verify_weights(names))
    print_rows([fact.row() for fact in facts])
    if any(fact.state in ("damaged", "missing") for fact in facts):
        sys.exit(1)


@weights.command(name="entry")
@click.argument("file")
@click.option("--url", metavar="URL", help="Where others will fetch the file.")
def weights_entry(file: str, url: str | None) -> None:
    """Print the lines of registry.yaml that list a FILE of weights."""
    from ..commands.weights import catalogue_entry

    click.echo(catalogue_entry(file, url))


@click.command("import")
@click.argument("importer", metavar="FRAMEWORK")
@click.argument("checkpoint")
@click.option(
    "--recipe", required=True, metavar="NAME", help="Recipe that the checkpoint was trained as, or a .yaml file."
)
@click.option("-o", "--out", required=True, metavar="FILE", help="Weights file to write; ends in .safetensors.")
@settings_option
@force_option
def import_(importer: str, checkpoint: str, **options: Any) -> None:
    """Turn a CHECKPOINT of another FRAMEWORK into a file of weights. `plic plugins` lists the importers.

    The recipe says which parts there are; how wide they are is seen from the checkpoint.
    """
    from ..commands.importing import import_file

    print_rows(import_file(importer, checkpoint, **options).rows())
