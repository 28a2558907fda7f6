"""What several commands share: options, and rows on the screen."""

from __future__ import annotations

import functools
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import click

from ..errors import PlicError

BOUNDLESS = 1_000_000
LEAST_ROOM = 24
"""Columns; in less, wrapped text is harder to read than text that runs over the edge."""

out_option = click.option("-o", "--out", required=True, help="A file for one input; a folder (ending in /) for many.")
force_option = click.option("-f", "--force", is_flag=True, help="Overwrite existing files.")
threads_option = click.option("--threads", type=click.IntRange(min=1), help="Threads of the networks.")
model_option = click.option("--model", metavar="NAME|FILE", help="Recipe (see `plic recipes`) or file of its weights.")
inputs_argument = click.argument("inputs", nargs=-1, required=True, metavar="IN...")


def _positive(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> tuple[float, ...]:
    """All numbers of lists with commas."""
    number = click.FloatRange(min=0, min_open=True)
    return tuple(float(number(part, option, context)) for text in given for part in text.split(","))


lambdas_option = click.option(
    "--lambda",
    "--lambdas",
    "lambdas",
    multiple=True,
    callback=_positive,
    metavar="X[,X...]",
    help="Weights of the distortion, instead of the recipe's; repeatable.",
)
settings_option = click.option(
    "--set", "settings", multiple=True, metavar="SLOT.KEY=VALUE", help="Change a setting; repeatable."
)
start_option = click.option("--from", "start", metavar="FILE", help="Begin with these weights instead of fresh ones.")
fresh_option = click.option(
    "--fresh",
    type=click.Choice(["transform", "rate", "side_information", "context", "head"]),
    multiple=True,
    help="Slot whose part begins anew for all that; repeatable.",
)
device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")


def refining(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say whether and how latents are refined, given to the command as one ``refine``."""

    @click.option("--refine", metavar="ID", help="Search for better latents before coding; `lof` comes with plic.")
    @click.option("--refine-iterations", type=click.IntRange(min=0), metavar="N", help="Limit for each picture.")
    @click.option("--refine-seconds", type=click.FloatRange(min=0), metavar="S", help="Limit for each picture.")
    @click.option(
        "--lambda",
        "multiplier",
        type=click.FloatRange(min=0, min_open=True),
        metavar="X",
        help="Weight of the distortion when refining; the one trained with is the default.",
    )
    @functools.wraps(command)
    def collected(
        *arguments: Any,
        refine: str | None,
        refine_iterations: int | None,
        refine_seconds: float | None,
        multiplier: float | None,
        **options: Any,
    ) -> None:
        from ..commands.refining import RefineOptions

        if refine is not None:
            options["refine"] = RefineOptions(refine, refine_iterations, refine_seconds, multiplier)
        elif any(value is not None for value in (refine_iterations, refine_seconds, multiplier)):
            raise PlicError(
                "there is nothing to refine with",
                got="--refine-iterations, --refine-seconds or --lambda without --refine",
                hint="add --refine ID, for instance --refine lof",
            )
        command(*arguments, **options)

    return collected


class Display(Protocol):
    """What shows how far work has come."""

    def close(self) -> None:
        """Leave the terminal to others; again does nothing."""


@contextmanager
def interruptible(display: Display, goes_on: str) -> Iterator[None]:
    """For hours of work that shows bars: they are closed at the end, however it comes, and Ctrl-C ends with a sentence.

    Args:
        display: shows the bars.
        goes_on: how the work can be taken up again.
    """
    try:
        yield
    except KeyboardInterrupt:
        display.close()
        click.echo(f"plic: interrupted; {goes_on}", err=True)
        sys.exit(130)
    finally:
        display.close()


def terminal_width() -> int:
    """Columns of the terminal; more than any line has where the output goes elsewhere."""
    return shutil.get_terminal_size((BOUNDLESS, 0)).columns


def print_rows(rows: Sequence[tuple[str, ...]]) -> None:
    """Columns, aligned. On a terminal, the last one is wrapped where it leaves room for a few words."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    before = sum(widths[:-1]) + 2 * (len(widths) - 1)
    room = terminal_width() - before
    for row in rows:
        start = "".join(f"{cell:{width}}  " for cell, width in zip(row[:-1], widths[:-1], strict=True))
        wraps = before > 0 and room >= LEAST_ROOM
        first, *rest = (textwrap.wrap(row[-1], room) if wraps else None) or [row[-1]]
        click.echo("\n".join([f"{start}{first}".rstrip(), *(" " * before + line for line in rest)]))
