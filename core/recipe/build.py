"""From a recipe to its parts, wired together and checked against one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from .. import joints
from ..errors import IncompatibleParts, PlicError, RecipeError
from ..registry import Registry, default_registry
from ..slots import (
    Context,
    ContextWiring,
    Distortion,
    Grid,
    Head,
    LatentShape,
    Quantizer,
    Rate,
    Schedule,
    SideInformation,
    Transform,
)
from .model import PartChoice, Recipe

if TYPE_CHECKING:
    from ..slots.coder import Coder

_NEIGHBOURS = {
    "rate": ("transform",),
    "side_information": ("transform",),
    "head": ("transform",),
    "context": ("schedule", "head", "side_information"),
}
"""Slots whose parts a part of this slot is wired to."""
PROBE = (8, 8)
"""Height and width of the latent on which a schedule's steps are looked at."""


@dataclass(frozen=True)
class Parts:
    """The parts of one codec, wired together."""

    transform: Transform
    rate: Rate
    side_information: SideInformation | None
    schedule: Schedule
    head: Head
    context: Context
    quantizer: Quantizer
    coder: Coder
    distortion: Distortion


def build_parts(recipe: Recipe, registry: Registry | None = None) -> Parts:
    """Construct the parts of a recipe in the order of the chain and check that they fit.

    Args:
        recipe: what to build.
        registry: where parts are looked up; that of the installation by default.

    Raises:
        IncompatibleParts: two parts do not fit; both ids, the reason and what would fit are in the message.
        RecipeError: a constructor refuses its settings.
        PluginError: a plugin that is needed is missing or broken.
    """
    registry = registry or default_registry()

    def make(choice: PartChoice, *wiring: object) -> Any:
        return _construct(recipe, registry, choice, wiring)

    transform = make(recipe.transform)
    _check_tile(recipe, transform)
    channels = transform.latent_channels
    rate = make(recipe.rate, channels)
    _check_lambdas(recipe, rate)
    side = None if recipe.side_information is None else make(recipe.side_information, channels)
    schedule = make(recipe.schedule)
    head = make(recipe.head, channels)
    _check_order(recipe, registry, schedule)
    _check_groups(recipe, schedule, channels)
    features = 0 if side is None else side.features
    wiring = ContextWiring(channels, features, schedule, head.parameters_per_element, head.mean_index)
    context = make(recipe.context, wiring)
    _check_reach(recipe, schedule, context)
    _check_unconditional(recipe, schedule, context, channels)
    quantizer = make(recipe.quantizer)
    _check_grid(recipe, registry, quantizer, head)
    coder, distortion = make(recipe.coder), make(recipe.distortion)
    return Parts(transform, rate, side, schedule, head, context, quantizer, coder, distortion)


def check_chain(recipe: Recipe, registry: Registry | None = None) -> None:
    """Refuse a recipe whose parts do not fit, without allocating their weights.

    Raises:
        PlicError: as `build_parts`.
    """
    try:
        with torch.device("meta"):
            build_parts(recipe, registry)
    except PlicError:
        raise
    except Exception:  # a part may look at values, which the meta device does not have
        build_parts(recipe, registry)


def _construct(recipe: Recipe, registry: Registry, choice: PartChoice, wiring: tuple[object, ...]) -> Any:
    cls = registry.part(choice.slot, choice.id)
    try:
        return cls(*wiring, **choice.settings)
    except IncompatibleParts as error:
        names = [f"{slot} {chosen.id!r}" for slot in _NEIGHBOURS.get(choice.slot, ()) if (chosen := recipe.slot(slot))]
        raise IncompatibleParts(
            f"recipe {recipe.name!r}: {error.problem}, and the recipe joins it with {' and '.join(names)}"
            if names
            else f"recipe {recipe.name!r}: {error.problem}",
            got=error.got,
            expected=error.expected,
            near=error.near,
            hint=error.hint,
        ) from error
    except PlicError:
        raise
    except (TypeError, ValueError) as error:
        provider = registry.provider(choice.slot, choice.id)
        raise RecipeError(
            f"recipe {recipe.name!r}: {choice.slot} {choice.id!r} ({provider}) refuses to be built: {error}",
            got=choice.resolved(),
        ) from error


def _check_lambdas(recipe: Recipe, rate: Rate) -> None:
    lambdas = recipe.training.lambdas
    if rate.levels > 1 and len(lambdas) != rate.levels:
        raise IncompatibleParts(
            f"recipe {recipe.name!r}: rate {recipe.rate.id!r} has {rate.levels} quality levels, training has "
            f"{len(lambdas)} lambdas",
            got=lambdas,
            expected=f"training.lambdas with {rate.levels} values, lowest quality first",
        )


def _check_order(recipe: Recipe, registry: Registry, schedule: Schedule) -> None:
    orders = registry.part("context", recipe.context.id).orders
    if schedule.order in orders:
        return
    contexts = [part for part, cls in _usable(registry, "context") if schedule.order in cls.orders]
    schedules = [part for part, cls in _usable(registry, "schedule") if getattr(cls, "order", None) in orders]
    context, chosen = recipe.context.id, recipe.schedule.id
    raise IncompatibleParts(
        f"recipe {recipe.name!r}: context {context!r} cannot be computed along schedule {chosen!r}",
        got=f"the order {schedule.order!r}",
        expected=f"one of the orders that the context is built for: {', '.join(sorted(orders))}",
        hint=f"schedules that fit this context: {_listed(schedules)}; "
        f"contexts that fit this schedule: {_listed(contexts)}",
    )


def _check_groups(recipe: Recipe, schedule: Schedule, channels: int) -> None:
    try:
        schedule.groups(channels)
    except RecipeError as error:
        raise IncompatibleParts(
            f"recipe {recipe.name!r}: schedule {recipe.schedule.id!r} does not fit transform {recipe.transform.id!r}, "
            f"which has {channels} latent channels: {error.problem}",
            got=error.got,
            expected=error.expected,
            hint=error.hint,
        ) from error


def _check_reach(recipe: Recipe, schedule: Schedule, context: Context) -> None:
    if context.reach is not None or not schedule.needs_reach:
        return
    raise IncompatibleParts(
        f"recipe {recipe.name!r}: context {recipe.context.id!r} may look everywhere, schedule {recipe.schedule.id!r} "
        "codes together what is out of a context's reach",
        got=f"schedule {recipe.schedule.resolved()}",
        expected="a schedule that waits for every element before, or a context of limited reach",
        hint="set schedule.execution to serial, or take another context",
    )


def _check_tile(recipe: Recipe, transform: Transform) -> None:
    if recipe.tile is None or transform.margin is not None:
        return
    raise IncompatibleParts(
        f"recipe {recipe.name!r}: tile: {recipe.tile} does not fit transform {recipe.transform.id!r}, of which every "
        "output may depend on the whole picture: pieces would come out differently",
        got=f"tile {recipe.tile}, a transform without margin",
        expected="a transform that states how far it looks (its margin)",
        hint="remove the key tile, or take another transform",
    )


def _check_unconditional(recipe: Recipe, schedule: Schedule, context: Context, channels: int) -> None:
    if context.unconditional is not None:
        return
    steps = joints.steps(schedule, LatentShape(channels, *PROBE), context.reach)
    if all(step.conditional for step in steps):
        return
    raise IncompatibleParts(
        f"recipe {recipe.name!r}: schedule {recipe.schedule.id!r} has steps that are coded without conditions, "
        f"for which context {recipe.context.id!r} has no density",
        expected="a context with an unconditional head",
        hint="take another context, or a schedule whose steps are all conditional",
    )


def _check_grid(recipe: Recipe, registry: Registry, quantizer: Quantizer, head: Head) -> None:
    if quantizer.grid is Grid.MEAN and head.mean_index is None:
        reason = "needs one mean to centre on, and the head has none or several"
    elif quantizer.grid is Grid.MEDIAN and type(head).offsets is Head.offsets:
        reason = "needs the medians of the channels, which the head does not have"
    else:
        return
    fitting = [part for part, cls in _usable(registry, "quantizer") if getattr(cls, "grid", None) is Grid.INTEGER]
    raise IncompatibleParts(
        f"recipe {recipe.name!r}: quantizer {recipe.quantizer.id!r} does not fit head {recipe.head.id!r}: it {reason}",
        got=f"the grid {quantizer.grid.value}",
        hint=f"quantizers that fit every head: {_listed(fitting)}",
    )


def _usable(registry: Registry, slot: str) -> list[tuple[str, type[Any]]]:
    """Ids and classes of a slot, without those that two plugins provide."""
    found = []
    for part in registry.ids(slot):
        try:
            found.append((part, registry.part(slot, part)))
        except PlicError:
            continue
    return found


def _listed(ids: list[str]) -> str:
    return ", ".join(ids) or "none is installed"
