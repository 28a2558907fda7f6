"""``plic recipes``, ``plugins`` and ``anchors``."""

from __future__ import annotations

import json

import click

from .shared import print_rows


@click.command()
@click.argument("name", required=False)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of recipe files, for editors.")
def recipes(name: str | None, schema: bool) -> None:
    """List the recipes, or show what one amounts to. NAME may also be the path of a .yaml file."""
    from ..commands import listing

    if schema:
        click.echo(json.dumps(listing.schema(), indent=2))
    elif name is None:
        lines = [(line.name, line.weights, line.title) for line in listing.recipe_lines()]
        print_rows(lines)
    else:
        report = listing.recipe_details(name)
        click.echo(report.recipe.to_yaml())
        print_rows(listing.report_rows(report))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(as_json: bool) -> None:
    """List plugins and what they provide. One that failed to load is shown with its traceback."""
    from ..plugins import load_commands

    alone = load_commands()  # before anything imports torch: what each plugin costs by itself
    from ..commands.plugin_list import plugin_facts, plugin_lines

    root = click.get_current_context().find_root().command
    own = root.commands if isinstance(root, click.Group) else {}
    facts = plugin_facts(alone=alone, own_commands=own)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for title, rows in plugin_lines(facts):
        click.echo(title)
        print_rows(rows)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the points.")
def anchors(as_json: bool) -> None:
    """List the curves to compare with. Columns are id, kind, set of pictures, points, source."""
    from ..commands.listing import anchor_facts

    facts = anchor_facts()
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        print_rows([(a["id"], a["kind"], a["data"], f"{len(a['rate'])} points", a["source"]) for a in facts])
