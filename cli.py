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

from .core.commands.added import PluginCommands
from .core.errors import PlicError
from .core.memory import keep_freed_memory

if TYPE_CHECKING:
    from .core.commands.coding import Coded


class _Group(PluginCommands):
    """Turns every `PlicError` into a message on stderr and exit code 2; ``PLIC_DEBUG=1`` shows the traceback.

    An exception that comes out of a plugin's code becomes one that names the plugin.
    """

    def invoke(self, ctx: click.Context) -> Any:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning  # type: ignore[assignment]
            try:
                return super().invoke(ctx)
            except Exception as error:
                told = error if isinstance(error, PlicError) else _of_a_plugin(error)
                if told is None or os.environ.get("PLIC_DEBUG", "") not in ("", "0"):
                    raise
                click.echo(f"plic: {told}", err=True)
                sys.exit(2)


def _of_a_plugin(error: Exception) -> PlicError | None:
    """What to tell instead of a traceback if a plugin's code is at fault; None if it is not, or click tells it."""
    if isinstance(error, click.ClickException | click.Abort | click.exceptions.Exit):
        return None
    from .core.blame import plugin_error
    from .core.plugins import installed_plugins

    return plugin_error(error, installed_plugins())


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
        lines = [(line.name, line.weights, line.title) for line in listing.recipe_lines()]
        _print_rows(lines)
    else:
        report = listing.recipe_details(name)
        click.echo(report.recipe.to_yaml())
        _print_rows(listing.report_rows(report))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(as_json: bool) -> None:
    """List plugins and what they provide, with the traceback of each plugin that failed to load."""
    from .core.plugins import load_commands

    alone = load_commands()  # before anything imports torch: what each plugin costs by itself
    from .core.commands.plugin_list import plugin_facts, plugin_lines

    facts = plugin_facts(alone=alone, own_commands=main.commands)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for title, rows in plugin_lines(facts):
        click.echo(title)
        _print_rows(rows)


@main.group()
def plugin() -> None:
    """Begin a plugin of your own, and check installed ones."""


@plugin.command("new")
@click.argument("name")
@click.option("--slot", required=True, metavar="SLOT", help="What its part fills: transform, head, coder, ...")
@click.option("--part", metavar="ID", help="Id of the part; NAME without `plic-` by default.")
@click.option("--out", default=".", metavar="DIR", help="Folder to put the new folder NAME into; this one by default.")
def plugin_new(name: str, slot: str, part: str | None, out: str) -> None:
    """Write a small complete distribution NAME, for instance plic-student-t: one part, tests, README, CI."""
    from .core.commands.scaffolding import new_distribution

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
    """Try the parts of installed plugins against the contracts of their slots; exit code 1 if one does not hold."""
    from .core.commands.checking import check_plugins

    found = check_plugins(distributions, show=(lambda line: None) if as_json else click.echo, **options)
    if as_json:
        click.echo(json.dumps([one.as_dict() for one in found], indent=2))
    sys.exit(0 if all(one.holds for one in found) else 1)


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
@click.option("--callback", multiple=True, metavar="ID", help="Tell this callback of a plugin; repeatable.")
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
@click.option("--metric", multiple=True, metavar="ID", help="Measure this metric of a plugin too; repeatable.")
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


@main.command()
@click.argument("recipe")
@click.option(
    "--swap", "swaps", multiple=True, metavar="SLOT=ID,... | SLOT.KEY=VALUE,...", help="What is changed; repeatable."
)
@click.option("--data", required=True, multiple=True, metavar="DIR", help="Photographs to train on; repeatable.")
@click.option("--pictures", required=True, metavar="DIR", help="Folder of pictures to evaluate on.")
@click.option("--out", required=True, metavar="DIR", help="Folder for cells and results; the same one goes on.")
@click.option("--one-at-a-time", "design", flag_value="one-at-a-time", default=True, help="The default.")
@click.option("--full", "design", flag_value="full", help="All combinations.")
@click.option("--drop-one", "design", flag_value="drop-one", help="All last values, and one set back at a time.")
@click.option(
    "--lambda",
    "lambdas",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    metavar="X",
    help="Weight of the distortion, instead of the recipe's; repeatable.",
)
@click.option("--steps", type=click.IntRange(min=0), help="Of training each cell, instead of the recipe's.")
@click.option("--seed", "seeds", type=int, multiple=True, help="Of training; several give mean and spread.")
@click.option("--set", "settings", multiple=True, metavar="SLOT.KEY=VALUE", help="A setting of all cells; repeatable.")
@click.option("--quality", type=click.FloatRange(min=0), multiple=True, metavar="X", help="To evaluate; default: all.")
@click.option("--from", "start", metavar="FILE", help="Begin with these weights instead of fresh ones.")
@click.option(
    "--fresh",
    type=click.Choice(["transform", "rate", "side_information", "context", "head"]),
    multiple=True,
    help="Slot whose part begins anew for all that; repeatable.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Who runs the cells: processes of this machine, or a Ray cluster.",
)
@click.option(
    "--ray-address", metavar="ADDRESS", help="Of the cluster; default: $RAY_ADDRESS, else one of this machine."
)
@click.option(
    "--ray-cpus", type=click.FloatRange(min=0, min_open=True), metavar="X", help="CPUs of a cell; default: its threads."
)
@click.option("--ray-gpus", type=click.FloatRange(min=0), metavar="X", help="GPUs of a cell, such as 1 or 0.5.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Cells run side by side.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each worker.")
@click.option("--dry-run", is_flag=True, help="Only print the cells, what they cost and how long they will take.")
def ablate(
    recipe: str,
    engine: str,
    dry_run: bool,
    ray_address: str | None,
    ray_cpus: float | None,
    ray_gpus: float | None,
    **options: Any,
) -> None:
    """Train and evaluate RECIPE with parts and settings swapped, all under the same conditions.

    The same command goes on where an earlier one ended. Results: index.html, cells.csv, cells.json in --out.
    """
    from .core.ablation import estimates, plan
    from .core.commands import ablating

    display = ablating.AblationDisplay()
    try:
        study = plan(ablating.settings_of(recipe, **options))
        if dry_run:
            times = estimates(study, display.estimating)
            _print_rows(ablating.plan_lines(study, times))
            click.echo("\n".join([*ablating.problem_lines(study, times), ablating.total_line(study, times)]))
            return
        chosen = ablating.engine_named(engine, study.settings.workers, ray_address, ray_cpus, ray_gpus)
        gathered = ablating.run_study(study, chosen, display)
    except KeyboardInterrupt:
        display.close()
        click.echo(f"plic: interrupted; the same command goes on in {options['out']}", err=True)
        sys.exit(130)
    finally:
        display.close()
    _print_rows(ablating.result_lines(gathered))
    click.echo(f"-> {options['out']}/index.html, cells.csv, cells.json", err=True)
    if any(outcome.status != "finished" for outcome in gathered.outcomes):
        sys.exit(1)


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


@main.group(name="weights")
def weights_group() -> None:
    """Trained weights that the catalogue lists: show, fetch, verify them."""


_recipe_names = click.argument("names", nargs=-1, metavar="[RECIPE...]")


@weights_group.command(name="list")
@_recipe_names
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def weights_list(names: tuple[str, ...], as_json: bool) -> None:
    """List weights: recipe, state, size, where they are, and which catalogue says so."""
    from .core.commands.weights import list_weights

    facts = list_weights(names)
    if as_json:
        click.echo(json.dumps([fact.as_dict() for fact in facts], indent=2))
    else:
        _print_rows([fact.row() for fact in facts])


@weights_group.command(name="fetch")
@_recipe_names
def weights_fetch(names: tuple[str, ...]) -> None:
    """Fetch weights ahead of their use, all of them if no RECIPE is named; what is there is verified."""
    from .core.commands.weights import fetch_weights

    for fact in fetch_weights(names):
        click.echo("  ".join(fact.row()))


@weights_group.command(name="verify")
@_recipe_names
def weights_verify(names: tuple[str, ...]) -> None:
    """Compute the SHA-256 of every file of weights that is there; exit code 1 if one is damaged or missing."""
    from .core.commands.weights import verify_weights

    facts = list(verify_weights(names))
    _print_rows([fact.row() for fact in facts])
    if any(fact.state in ("damaged", "missing") for fact in facts):
        sys.exit(1)


@weights_group.command(name="entry")
@click.argument("file")
@click.option("--url", metavar="URL", help="Where others will fetch the file.")
def weights_entry(file: str, url: str | None) -> None:
    """Print the lines of registry.yaml that list a FILE of weights."""
    from .core.commands.weights import catalogue_entry

    click.echo(catalogue_entry(file, url))


def _print_rows(rows: Sequence[tuple[str, ...]]) -> None:
    """Columns, aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
