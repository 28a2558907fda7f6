"""``plic train`` and ``ablate``."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..memory import keep_freed_memory
from .shared import (
    device_option,
    fresh_option,
    interruptible,
    lambdas_option,
    print_rows,
    settings_option,
    start_option,
    threads_option,
)


@click.command()
@click.argument("recipe")
@click.option("--data", required=True, multiple=True, metavar="DIR", help="Folder of photographs; repeatable.")
@click.option("--out", required=True, metavar="DIR", help="Folder for checkpoints, log and weights.")
@lambdas_option
@click.option("--steps", type=click.IntRange(min=0), help="Instead of the recipe's training.steps.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Limit on the time for each model.")
@settings_option
@click.option("--seed", type=int, help="Instead of the recipe's training.seed.")
@start_option
@fresh_option
@device_option
@click.option("--compile", "compiled", is_flag=True, help="Compile the transforms with torch.compile.")
@click.option("--tensorboard", is_flag=True, help="Also write scalars for TensorBoard.")
@click.option("--callback", multiple=True, metavar="ID", help="Tell this callback of a plugin; repeatable.")
@click.option("--log-every", type=click.IntRange(min=1), default=50, show_default=True, help="Steps to a log line.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out.")
@threads_option
def train(recipe: str, data: tuple[str, ...], out: str, **options: Any) -> None:
    """Train RECIPE (a name, or the path of a .yaml file).

    Under torchrun, all processes train one model together: torchrun --nproc-per-node 8 -m plic train ...
    """
    from ..commands.training import TrainingDisplay, recipe_to_train, train_recipe

    keep_freed_memory()
    changes = {key: options.pop(key) for key in ("settings", "lambdas", "steps", "seed")}
    display = TrainingDisplay()
    with interruptible(display, f"--resume goes on from the last checkpoint in {out}"):
        train_recipe(recipe_to_train(recipe, **changes), data, out, display=display, **options)


@click.command()
@click.argument("recipe")
@click.option(
    "--swap", "swaps", multiple=True, metavar="SLOT=ID,... | SLOT.KEY=VALUE,...", help="What is changed; repeatable."
)
@click.option("--data", required=True, multiple=True, metavar="DIR", help="Photographs to train on; repeatable.")
@click.option("--pictures", metavar="DIR", help="Folder of pictures to evaluate on; default: the first of --data.")
@click.option("--out", required=True, metavar="DIR", help="Folder for cells and results; the same one goes on.")
@click.option("--one-at-a-time", "design", flag_value="one-at-a-time", default=True, help="The default.")
@click.option("--full", "design", flag_value="full", help="All combinations.")
@click.option("--drop-one", "design", flag_value="drop-one", help="All last values, and one set back at a time.")
@lambdas_option
@click.option("--steps", type=click.IntRange(min=0), help="Of training each cell, instead of the recipe's.")
@click.option("--seed", "seeds", type=int, multiple=True, help="Of training; several give mean and spread.")
@click.option("--set", "settings", multiple=True, metavar="SLOT.KEY=VALUE", help="A setting of all cells; repeatable.")
@click.option("--quality", type=click.FloatRange(min=0), multiple=True, metavar="X", help="To evaluate; default: all.")
@start_option
@fresh_option
@device_option
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
@click.option("--static", is_flag=True, help="A page of some 100 kB with drawn curves instead of 5 MB to zoom in.")
@click.option("--dry-run", is_flag=True, help="Only print the cells, what they cost and how long they will take.")
def ablate(
    recipe: str,
    engine: str,
    dry_run: bool,
    static: bool,
    ray_address: str | None,
    ray_cpus: float | None,
    ray_gpus: float | None,
    **options: Any,
) -> None:
    """Train and evaluate RECIPE with parts and settings swapped. All cells have the same conditions.

    The same command goes on where an earlier one ended. Results: index.html, cells.csv, cells.json in --out.
    """
    from ..ablation import estimates, plan
    from ..commands import ablating
    from ..commands.ablation_display import AblationDisplay
    from ..commands.ablation_lines import plan_lines, problem_lines, reason_lines, result_lines, total_line

    display = AblationDisplay()
    with interruptible(display, f"the same command goes on in {options['out']}"):
        study = plan(ablating.settings_of(recipe, **options))
        if dry_run:
            times = estimates(study, display.estimating)
            print_rows(plan_lines(study, times))
            click.echo("\n".join([*problem_lines(study, times), total_line(study, times)]))
            return
        chosen = ablating.engine_named(engine, study.settings.workers, ray_address, ray_cpus, ray_gpus)
        gathered = ablating.run_study(study, chosen, display, interactive=not static)
    print_rows(result_lines(gathered))
    for line in reason_lines(gathered):
        click.echo(line)
    click.echo(f"-> {options['out']}/index.html, cells.csv, cells.json", err=True)
    if any(outcome.status != "finished" for outcome in gathered.outcomes):
        sys.exit(1)
