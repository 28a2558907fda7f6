"""``plic ablate``: from what is typed to a study that has run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PlicError
from ..files import make_folder
from ..locks import alone_in
from ..recipe import parse_overrides

if TYPE_CHECKING:
    from ..ablation import Engine, Gathered, Plan, Settings
    from .ablation_display import AblationDisplay


def settings_of(
    recipe: str,
    *,
    swaps: Sequence[str],
    data: Sequence[str],
    pictures: str | None = None,
    out: str,
    design: str = "one-at-a-time",
    settings: Sequence[str] = (),
    lambdas: Sequence[float] = (),
    steps: int | None = None,
    seeds: Sequence[int] = (),
    quality: Sequence[float] = (),
    start: str | None = None,
    fresh: Sequence[str] = (),
    device: str = "auto",
    threads: int | None = None,
    workers: int = 1,
) -> Settings:
    """What the command line asks for.

    Args:
        recipe: name or path.
        swaps: as ``slot=id,id`` or ``slot.key=value,value``.
        data: folders of photographs.
        pictures: folder to evaluate on; the first of photographs by default.
        out: folder of the study.
        design: see `plic.core.ablation.Design`.
        settings: common ones, as ``slot.key=value``.
        lambdas: instead of ``training.lambdas``; put into increasing order.
        steps: instead of ``training.steps``.
        seeds: of training.
        quality: to evaluate.
        start: weights file.
        fresh: slots.
        device: name of a device.
        threads: of each worker.
        workers: side by side.

    Raises:
        RecipeError: a setting cannot be read.
    """
    from ..ablation import Design, Settings

    common: dict[str, Any] = parse_overrides(settings)
    for key, value in (("lambdas", sorted(lambdas) or None), ("steps", steps)):
        if value is not None:
            common[f"training.{key}"] = value
    return Settings(
        recipe=recipe,
        swaps=swaps,
        data=[Path(folder) for folder in data],
        pictures=Path(data[0] if pictures is None else pictures),
        out=Path(out),
        design=Design(design),
        common=common,
        seeds=seeds,
        qualities=quality,
        start=None if start is None else Path(start),
        fresh=fresh,
        device=device,
        threads=threads,
        workers=workers,
    )


def engine_named(
    name: str, workers: int, address: str | None = None, cpus: float | None = None, gpus: float | None = None
) -> Engine:
    """What carries runs out.

    Args:
        name: of the engine, ``local`` or ``ray``.
        workers: runs side by side.
        address: of a Ray cluster.
        cpus: that Ray reserves for a run.
        gpus: likewise.

    Raises:
        PlicError: there is no such engine, it has no such options, or it is not installed.
    """
    from ..ablation import LocalEngine

    if name == "ray":
        from ..ablation.ray_engine import RayEngine

        return RayEngine(workers, address, cpus, gpus or 0.0)
    if name != "local":
        raise PlicError("there is no such engine", got=name, expected="local or ray", hint="leave --engine out")
    given = {"--ray-address": address, "--ray-cpus": cpus, "--ray-gpus": gpus}
    if unused := [option for option, value in given.items() if value is not None]:
        raise PlicError("an option is for Ray alone", got=", ".join(unused), hint="add --engine ray, or leave it out")
    return LocalEngine(workers)


def run_study(plan: Plan, engine: Engine, display: AblationDisplay, *, interactive: bool = True) -> Gathered:
    """Carry out what is not finished, writing the results anew whenever a run ends; alone in the folder of the study.

    Args:
        plan: the cells.
        engine: carries their runs out.
        display: is told.
        interactive: see `plic.core.ablation.write_study`.

    Raises:
        FileError: another process is at work in the folder, or the results cannot be written.
        PluginError: a package that the results need is missing.
        KeyboardInterrupt: it was interrupted; what is finished stays finished, and half-trained cells have checkpoints.
    """
    from ..ablation import gather, write_study
    from ..ablation.write import check_packages

    check_packages()
    out = plan.settings.out
    make_folder(out)
    with alone_in(out, "plic ablate"):
        tasks = plan.unfinished()
        display.begin(len(plan.tasks), tasks)
        display.ended = lambda: write_study(gather(plan), interactive=interactive)
        engine.run(tasks, display)
        gathered = gather(plan)
        write_study(gathered, interactive=interactive)
    return gathered
