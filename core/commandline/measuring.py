"""``plic evaluate`` and ``compare``."""

from __future__ import annotations

from typing import Any

import click

from .shared import force_option, print_rows, refining, threads_option


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--data", required=True, metavar="DIR", help="Folder of pictures.")
@click.option("-o", "--out", required=True, metavar="FILE", help="Results file (JSON).")
@click.option(
    "--quality",
    type=click.FloatRange(min=0),
    multiple=True,
    metavar="X",
    help="Quality: a level, or a point between two; repeatable; default: all levels.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that code side by side; seconds mean something with one only.",
)
@click.option("--metric", multiple=True, metavar="ID", help="Measure this metric of a plugin too; repeatable.")
@click.option("--save-pictures", is_flag=True, help="Keep decoded pictures (PNG) in a folder beside the results.")
@refining
@threads_option
@force_option
def evaluate(models: tuple[str, ...], data: str, out: str, **options: Any) -> None:
    """Measure MODELs by coding every picture of a folder. A MODEL is a name, or a file of weights."""
    from ..commands.evaluation import EvaluationDisplay, evaluate_models

    display = EvaluationDisplay()
    try:
        evaluate_models(models, data, out, display=display, **options)
    finally:
        display.close()


def _count(ctx: click.Context, parameter: click.Parameter, value: str) -> int | None:
    """A number, or None for ``all``."""
    return None if value == "all" else int(click.IntRange(min=0)(value, parameter, ctx))


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULTS...")
@click.option(
    "-o", "--out", required=True, multiple=True, metavar="FILE", help="A .html page, .png plot or .csv table."
)
@click.option("--anchor", metavar="ID", help="Compare with this model or shipped anchor (see `plic anchors`).")
@click.option("--show", multiple=True, metavar="ID", help="Draw this shipped anchor too; repeatable.")
@click.option("--data", metavar="DIR", help="Folder of the originals, if they have moved.")
@click.option("--pictures", default="6", show_default=True, metavar="N|all", callback=_count, help="Pictures to show.")
@force_option
def compare(results: tuple[str, ...], out: tuple[str, ...], **options: Any) -> None:
    """Compare RESULTS of `plic evaluate`. Shows curves, BD-rates, costs, pictures beside their originals."""
    from ..commands.comparing import compare_results

    compared = compare_results(results, out, **options)
    print_rows(compared.lines())
    for note in compared.comparison.notes:
        click.echo(f"note: {note}", err=True)
    for written in compared.written:
        click.echo(f"-> {written.path}: {written.size:,} bytes", err=True)
