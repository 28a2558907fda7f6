"""What a recipe amounts to: parameters, arithmetic and steps, counted without computing anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from .errors import PlicError
from .recipe import PartChoice, Parts, Recipe, build_parts
from .registry import Registry, default_registry
from .slots import LatentShape

T = TypeVar("T")

WIDTH, HEIGHT = 768, 512
"""Size of the picture that arithmetic and steps are counted for."""


@dataclass(frozen=True)
class PartReport:
    """One part: its choice, who provides it, and the number of its trained parameters."""

    choice: PartChoice
    provider: str
    parameters: int


@dataclass(frozen=True)
class RecipeReport:
    """What a recipe amounts to.

    Attributes:
        recipe: that was looked at.
        parts: in the order of the chain.
        macs_per_pixel: multiply-accumulates of convolutions and matrix products per picture pixel, by stage.
        steps: of the schedule.
        width: of the picture that was assumed, in pixels.
        height: of that picture.
    """

    recipe: Recipe
    parts: tuple[PartReport, ...]
    macs_per_pixel: dict[str, float]
    steps: int
    width: int
    height: int

    @property
    def parameters(self) -> int:
        """All trained parameters."""
        return sum(part.parameters for part in self.parts)


def report_on(
    recipe: Recipe, registry: Registry | None = None, width: int = WIDTH, height: int = HEIGHT
) -> RecipeReport:
    """Build a recipe on the meta device and count.

    Args:
        recipe: what to look at.
        registry: where parts are looked up; that of the installation by default.
        width: of the picture in pixels; rounded up to the transform's stride.
        height: likewise.

    Raises:
        PlicError: as `build_parts`.
    """
    registry = registry or default_registry()
    try:
        parts, macs, shape = _measured("meta", recipe, registry, width, height)
    except PlicError:
        raise
    except Exception:  # a part may do what the meta device cannot, e.g. look at values
        parts, macs, shape = _measured("cpu", recipe, registry, width, height)
    # The schedule counts with numpy: it must not see the meta device.
    steps = len(parts.schedule.steps(shape, parts.context.reach))
    reports = tuple(
        PartReport(choice, registry.provider(choice.slot, choice.id), _parameters(getattr(parts, choice.slot)))
        for choice in recipe.choices
    )
    return RecipeReport(recipe, reports, macs, steps, width, height)


def _measured(
    device: str, recipe: Recipe, registry: Registry, width: int, height: int
) -> tuple[Parts, dict[str, float], LatentShape]:
    with torch.device(device), torch.no_grad():
        parts = build_parts(recipe, registry)
        return parts, *_arithmetic(parts, width, height)


def _arithmetic(parts: Parts, width: int, height: int) -> tuple[dict[str, float], LatentShape]:
    """Multiply-accumulates per pixel by stage, and the shape of the latent."""
    stride = parts.transform.stride
    x = torch.zeros(1, 3, -(-height // stride) * stride, -(-width // stride) * stride)
    macs: dict[str, float] = {}

    def count(stage: str, compute: Callable[[], T]) -> T:
        with FlopCounterMode(display=False) as counter:
            result = compute()
        macs[stage] = counter.get_total_flops() / 2 / (width * height)  # a multiply-accumulate is two operations
        return result

    y: Tensor = count("analysis", lambda: parts.transform.analysis(x))
    side = parts.side_information
    features: Tensor | None = None
    if side is not None:
        z = count("hyper analysis", lambda: side.analysis(y))
        features = count("hyper synthesis", lambda: side.synthesis(z, *y.shape[-2:]))
    count("context", lambda: parts.context.parameters_all(y, features))
    count("synthesis", lambda: parts.transform.synthesis(y))
    return macs, LatentShape(*y.shape[1:])


def _parameters(part: object) -> int:
    return sum(parameter.numel() for parameter in part.parameters()) if isinstance(part, nn.Module) else 0
