"""What a recipe amounts to: parameters, arithmetic and steps, counted without computing anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from . import joints
from .errors import PlicError
from .recipe import PartChoice, Parts, Recipe, build_parts
from .registry import Registry, default_registry
from .slots import LatentShape

T = TypeVar("T")
Joint = Callable[..., Tensor]

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
    counted = _Counter(recipe, registry)
    macs, shape = _arithmetic(counted, width, height)
    parts = counted.parts
    # The schedule counts with numpy: it must not see the meta device.
    steps = len(joints.steps(parts.schedule, shape, parts.context.reach))
    reports = tuple(
        PartReport(choice, registry.provider(choice.slot, choice.id), _parameters(getattr(parts, choice.slot)))
        for choice in recipe.choices
    )
    return RecipeReport(recipe, reports, macs, steps, width, height)


class _Counter:
    """Runs what is to be counted on the meta device, and on the CPU only what cannot run there.

    Args:
        recipe: whose parts are to be run.
        registry: where they are looked up.
    """

    def __init__(self, recipe: Recipe, registry: Registry) -> None:
        self._recipe, self._registry = recipe, registry
        self._built: dict[str, Parts] = {}
        self.operations: dict[str, int] = {}

    @property
    def parts(self) -> Parts:
        """The parts of the recipe."""
        return self._first(lambda device: self._on(device))

    def __call__(self, stage: str, slot: str, joint: Joint, *arguments: torch.Size | int | None) -> torch.Size:
        """Count the operations of one stage.

        Args:
            stage: its name.
            slot: of the part that computes it.
            joint: how it is called, one of `plic.core.joints`.
            arguments: after the part; a shape stands for a tensor.

        Returns:
            The shape of the result.
        """

        def run(device: str) -> torch.Size:
            part = getattr(self._on(device), slot)
            with torch.device(device), torch.no_grad(), FlopCounterMode(display=False) as counter:
                result = joint(part, *(torch.zeros(x) if isinstance(x, torch.Size) else x for x in arguments))
            self.operations[stage] = counter.get_total_flops()
            return result.shape

        return self._first(run)

    def _on(self, device: str) -> Parts:
        if device not in self._built:
            with torch.device(device):
                self._built[device] = build_parts(self._recipe, self._registry)
        return self._built[device]

    @staticmethod
    def _first(run: Callable[[str], T]) -> T:
        try:
            return run("meta")
        except PlicError:
            raise
        except Exception:  # a part may do what the meta device cannot, e.g. look at values
            return run("cpu")


def _arithmetic(count: _Counter, width: int, height: int) -> tuple[dict[str, float], LatentShape]:
    """Multiply-accumulates per pixel by stage, and the shape of the latent."""
    stride = count.parts.transform.stride
    x = torch.Size((1, 3, -(-height // stride) * stride, -(-width // stride) * stride))
    y = count("analysis", "transform", joints.analysis, x)
    features = None
    if count.parts.side_information is not None:
        z = count("hyper analysis", "side_information", joints.side_analysis, y)
        features = count("hyper synthesis", "side_information", joints.side_synthesis, z, *y[-2:])
    parameters = count.parts.head.parameters_per_element
    count("context", "context", joints.parameters_all, y, features, parameters)
    count("synthesis", "transform", joints.synthesis, y)
    # a multiply-accumulate is two operations
    macs = {stage: operations / 2 / (width * height) for stage, operations in count.operations.items()}
    return macs, LatentShape(*y[1:])


def _parameters(part: object) -> int:
    return sum(parameter.numel() for parameter in part.parameters()) if isinstance(part, nn.Module) else 0
