"""The command line: parses, calls, prints. What the commands do is in ``core/commands``, imported where it is used."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from .core.errors import PlicError
from .core.memory import keep_freed_memory

if TYPE_CHECKING:
    from .core.commands.coding import Coded


class _Group(click.Group):
    """Turns every `PlicError` into a message on stderr and exit code 2; ``PLIC_DEBUG=1`` shows the traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning  # type: ignore[assignment]
            try:
                return super().invoke(ctx)
            except PlicError as error:
                if os.environ.get("PLIC_DEBUG", "") not in ("", "0"):
                    raise
                click.echo(f"plic: {error}", err=True)
                sys.exit(2)


def _show_warning(message: Warning | str, *_: object) -> None:
    click.echo(f"plic: warning: {message}", err=True)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from . import __version__

        click.echo(f"plic {__version__}")
        ctx.exit()


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Version.")
def main() -> None:
    """Learned image codecs, composed from interchangeable parts."""


_out = click.option("-o", "--out", required=True, help="A file for one input; a folder (ending in /) for many.")
_force = click.option("-f", "--force", is_flag=True, help="Overwrite existing files.")
_threads = click.option("--threads", type=click.IntRange(min=1), help="Threads of the networks.")
_model = click.option("--model", metavar="NAME|FILE", help="Recipe (see `plic recipes`) or file of its weights.")
_inputs = click.argument("inputs", nargs=-1, required=True, metavar="IN...")


def _refining(command: Callable[..., None]) -> Callable[..., None]:
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
    @wraps(command)
    def collected(
        *arguments: Any,
        refine: str | None,
        refine_iterations: int | None,
        refine_seconds: float | None,
        multiplier: float | None,
        **options: Any,
    ) -> None:
        from .core.commands.refining import RefineOptions

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


@main.command()
@_inputs
@_out
@_model
@click.option(
    "--quality",
    type=click.FloatRange(min=0),
    metavar="X",
    help="Quality: a level, 0 is the lowest, or a point between two; the highest is the default.",
)
@click.option(
    "--target-bpp",
    type=click.FloatRange(min=0, min_open=True),
    metavar="X",
    help="Highest quality whose file takes at most so many bits per pixel.",
)
@click.option(
    "--target-psnr",
    type=click.FloatRange(min=0, min_open=True),
    metavar="DB",
    help="Lowest quality whose picture has at least this PSNR.",
)
@click.option("--coder", metavar="ID", help="Entropy coder, instead of the recipe's own.")
@_refining
@_threads
@_force
def encode(inputs: tuple[str, ...], **options: Any) -> None:
    """Encode pictures into .plic files."""
    from .core.commands.coding import encode_files
    from .core.commands.refining import RefiningDisplay

    keep_freed_memory()
    display = RefiningDisplay()
    try:
        for coded in encode_files(inputs, progress=display.tick, **options):
            display.close()
            click.echo(_coded_line(coded), err=True)
    finally:
        display.close()


def _coded_line(coded: Coded) -> str:
    line = f"{coded.source} -> {coded.target}: {coded.size} bytes, {coded.bits_per_pixel:.4f} bpp"
    if (targeted := coded.targeted) is not None:
        from .core.container.stream import quality_text

        reached = "" if targeted.psnr is None else f"{targeted.psnr:.3f} dB, "
        line = f"{line}, {reached}quality {quality_text(targeted.quality)}, {targeted.encodes} encodes"
    if (refinement := coded.refinement) is None:
        return line
    before, after = refinement.before.total, refinement.after.total
    change = f"cost {before:.4f} -> {after:.4f} ({100 * (after / before - 1) if before else 0:+.2f} %)"
    return f"{line}, {change} in {refinement.iterations} iterations, {refinement.seconds:.1f} s"


@main.command()
@_inputs
@_out
@_model
@_threads
@_force
def decode(inputs: tuple[str, ...], **options: Any) -> None:
    """Decode .plic files into pictures; OUT's extension says in which format."""
    from .core.commands.coding import decode_files

    keep_freed_memory()
    for coded in decode_files(inputs, **options):
        click.echo(f"{coded.source} -> {coded.target}", err=True)


@main.command()
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(file: str, as_json: bool) -> None:
    """Print what a .plic file says about itself; needs no weights."""
    from .core.commands.coding import inspect_file

    facts = inspect_file(file)
    if as_json:
        click.echo(json.dumps(facts.as_dict(), indent=2))
    else:
        _print_rows(facts.rows())


@main.command()
@click.argument("name", required=False)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of recipe files, for editors.")
def recipes(name: str | None, schema: bool) -> None:
    """List the recipes, or show what one amounts to. NAME may also be the path of a .yaml file."""
    from .core.commands import listing

    if schema:
        click.echo(json.dumps(listing.schema(), indent=2))
    elif name is None:
        lines = [(line.name, "weights" if line.weights else "-", line.title) for line in listing.recipe_lines()]
        _print_rows(lines)
    else:
        report = listing.recipe_details(name)
        click.echo(report.recipe.to_yaml())
        _print_rows(listing.report_rows(report))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(as_json: bool) -> None:
    """List plugins and parts, with the traceback of each plugin that failed to load."""
    from .core.commands.listing import plugin_facts

    facts = plugin_facts()
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for plugin in facts["plugins"]:
        click.echo(f"{plugin['status']:9}{plugin['provider']}: {plugin['name']} ({plugin['target']})")
        if plugin["traceback"]:
            click.echo("\n".join(f"    {line}" for line in plugin["traceback"].splitlines()))
    for conflict in facts["conflicts"]:
        click.echo(f"conflict {conflict}")
    for slot, parts in facts["parts"].items():
        click.echo(f"\n{slot}")
        _print_rows([(f"  {part}", provider) for part, provider in parts.items()])
    click.echo("\nimporters")
    _print_rows([(f"  {name}", fact["provider"], fact["reads"]) for name, fact in facts["importers"].items()])


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the points.")
def anchors(as_json: bool) -> None:
    """List the rate-distortion curves to compare with: id, kind, set of pictures, points, source."""
    from .core.commands.listing import anchor_facts

    facts = anchor_facts()
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        _print_rows([(a["id"], a["kind"], a["data"], f"{len(a['rate'])} points", a["source"]) for a in facts])


@main.command()
@click.argument("recipe")
@click.option("--data", required=True, multiple=True, metavar="DIR", help="Folder of photographs; repeatable.")
@click.option("--out", required=True, metavar="DIR", help="Folder for checkpoints, log and weights.")
@click.option(
    "--lambda",
    "lambdas",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    metavar="X",
    help="Weight of the distortion, instead of the recipe's; repeatable.",
)
@click.option("--steps", type=click.IntRange(min=0), help="Instead of the recipe's training.steps.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Limit on the time for each model.")
@click.option("--set", "settings", multiple=True, metavar="SLOT.KEY=VALUE", help="Change a setting; repeatable.")
@click.option("--seed", type=int, help="Instead of the recipe's training.seed.")
@click.option("--from", "start", metavar="FILE", help="Begin with these weights instead of fresh ones.")
@click.option(
    "--fresh",
    type=click.Choice(["transform", "rate", "side_information", "context", "head"]),
    multiple=True,
    help="Slot whose part begins anew for all that; repeatable.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--compile", "compiled", is_flag=True, help="Compile the transforms with torch.compile.")
@click.option("--tensorboard", is_flag=True, help="Also write scalars for TensorBoard.")
@click.option("--log-every", type=click.IntRange(min=1), default=50, show_default=True, help="Steps to a log line.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out.")
@_threads
def train(recipe: str, data: tuple[str, ...], out: str, **options: Any) -> None:
    """Train RECIPE (a name, or the path of a .yaml file).

    Under torchrun, all processes train one model together: torchrun --nproc-per-node 8 -m plic train ...
    """
    from .core.commands.training import TrainingDisplay, recipe_to_train, train_recipe

    keep_freed_memory()
    changes = {key: options.pop(key) for key in ("settings", "lambdas", "steps", "seed")}
    display = TrainingDisplay()
    try:
        train_recipe(recipe_to_train(recipe, **changes), data, out, display=display, **options)
    except KeyboardInterrupt:
        display.close()
        click.echo(f"plic: interrupted; --resume goes on from the last checkpoint in {out}", err=True)
        sys.exit(130)
    finally:
        display.close()


@main.command()
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
@click.option("--save-pictures", is_flag=True, help="Keep decoded pictures (PNG) in a folder beside the results.")
@_refining
@_threads
@_force
def evaluate(models: tuple[str, ...], data: str, out: str, **options: Any) -> None:
    """Measure MODELs (names, or files of weights) by coding every picture of a folder."""
    from .core.commands.evaluation import EvaluationDisplay, evaluate_models

    display = EvaluationDisplay()
    try:
        evaluate_models(models, data, out, display=display, **options)
    finally:
        display.close()


def _count(ctx: click.Context, parameter: click.Parameter, value: str) -> int | None:
    """A number, or None for ``all``."""
    return None if value == "all" else int(click.IntRange(min=0)(value, parameter, ctx))


@main.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULTS...")
@click.option(
    "-o", "--out", required=True, multiple=True, metavar="FILE", help="A .html page, .png plot or .csv table."
)
@click.option("--anchor", metavar="ID", help="Compare with this model or shipped anchor (see `plic anchors`).")
@click.option("--show", multiple=True, metavar="ID", help="Draw this shipped anchor too; repeatable.")
@click.option("--data", metavar="DIR", help="Folder of the originals, if they have moved.")
@click.option("--pictures", default="6", show_default=True, metavar="N|all", callback=_count, help="Pictures to show.")
@_force
def compare(results: tuple[str, ...], out: tuple[str, ...], **options: Any) -> None:
    """Compare RESULTS of `plic evaluate`: curves, BD-rates, costs, pictures beside their originals."""
    from .core.commands.comparing import compare_results

    compared = compare_results(results, out, **options)
    _print_rows(compared.lines())
    for note in compared.comparison.notes:
        click.echo(f"note: {note}", err=True)
    for written in compared.written:
        click.echo(f"-> {written.path}: {written.size:,} bytes", err=True)


@main.command("import")
@click.argument("importer", metavar="FRAMEWORK")
@click.argument("checkpoint")
@click.option(
    "--recipe", required=True, metavar="NAME", help="Recipe that the checkpoint was trained as, or a .yaml file."
)
@click.option("-o", "--out", required=True, metavar="FILE", help="Weights file to write; ends in .safetensors.")
@click.option("--set", "settings", multiple=True, metavar="SLOT.KEY=VALUE", help="Change a setting; repeatable.")
@_force
def import_(importer: str, checkpoint: str, **options: Any) -> None:
    """Turn a CHECKPOINT of another FRAMEWORK (see `plic plugins`) into a file of weights for --model.

    The recipe says which parts there are; how wide they are is seen from the checkpoint.
    """
    from .core.commands.importing import import_file

    _print_rows(import_file(importer, checkpoint, **options).rows())


def _print_rows(rows: Sequence[tuple[str, ...]]) -> None:
    """Columns, aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
