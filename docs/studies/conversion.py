"""From weights of one recipe to start weights of another: what the scripts `to_*.py` have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from plic import load
from plic.core.codec import Codec, assemble
from plic.core.recipe import load_recipe
from plic.core.training.warm_start import load_start

TakeOver = Callable[[Codec, Codec], None]
"""Sets in the second codec what names and shapes do not carry over from the first."""


def command(take_over: TakeOver, summary: str) -> click.Command:
    """A script's command line: SOURCE, TARGET and ``--recipe``.

    Args:
        take_over: both codecs have been started from SOURCE when it is called.
        summary: what ``--help`` says.
    """

    @click.command(help=summary)
    @click.argument("source", type=click.Path(path_type=Path, exists=True))
    @click.argument("target", type=click.Path(path_type=Path))
    @click.option("--recipe", default="house", show_default=True, help="Of the start weights.")
    def main(source: Path, target: Path, recipe: str) -> None:
        old, new = assemble(load(source).recipe), assemble(load_recipe(recipe))
        load_start(old, source)
        fresh = load_start(new, source)
        take_over(old, new)
        click.echo(f"made anew: {', '.join(name for name in fresh if '.head.' not in name)}")
        new.freeze().save(target)

    return main
