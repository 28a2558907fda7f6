"""A context next to the neighbours that its contract tries it with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from ..exact import harden
from ..registry import default_registry
from ..slots import Context, ContextState, ContextWiring, Head, LatentShape, Schedule, Step
from .broken import Finding
from .contract import PartContract, chosen
from .data import enlivened, latent, on_grid


class ContextTrial(PartContract[Context]):
    """How a context is made and run; `ContextContract` explains the attributes."""

    plic_slot = "context"
    channels: ClassVar[int] = 6
    side_features: ClassVar[int] = 5
    schedule: ClassVar[Schedule | str | dict[str, Any] | None] = None
    head: ClassVar[Head | str | dict[str, Any]] = "gaussian"

    def wiring(self) -> tuple[object, ...]:
        head = self.chosen_head()
        wiring = ContextWiring(self.channels, self.side_features, self.chosen_schedule(), head.parameters_per_element)
        return (replace(wiring, mean_index=head.mean_index),)

    def chosen_schedule(self) -> Schedule:
        """The schedule that the context is built against."""
        if self.schedule is not None:
            return cast(Schedule, chosen("schedule", self.schedule))
        registry = default_registry()
        for name in registry.ids("schedule"):
            if getattr(registry.part("schedule", name), "order", None) in self.part_class().orders:
                return cast(Schedule, chosen("schedule", name))
        raise Finding(
            "no registered schedule has an order that it is built for",
            got=sorted(self.part_class().orders),
            expected="an attribute `schedule` of the test class",
        )

    def chosen_head(self) -> Head:
        """The head whose parameters it predicts."""
        return cast(Head, chosen("head", self.head, self.channels))

    def lively(self, seed: int = 0) -> Context:
        """A context with weights that let everything it sees matter."""
        return self.kept(f"lively {seed}", lambda: cast(Context, enlivened(self.make(seed))))

    def exact(self, seed: int = 0) -> Context:
        """As coding uses it."""
        return self.kept(f"exact {seed}", lambda: cast(Context, harden(self.lively(seed).eval(), "context")))

    def steps(self, context: Context, height: int, width: int) -> Sequence[Step]:
        """The schedule's steps for this context."""
        return self.chosen_schedule().steps(LatentShape(self.channels, height, width), context.reach)

    def latents(self, seed: int, height: int, width: int, batch: int = 1) -> tuple[Tensor, Tensor | None]:
        """Values and side features."""
        values = latent(seed, batch, self.channels, height, width)
        if not self.side_features:
            return values, None
        return values, on_grid(seed + 1, batch, self.side_features, height, width)

    def walk(self, context: Context, steps: Sequence[Step], values: Tensor, side: Tensor | None) -> list[Tensor]:
        """Parameters of each step, computed as a decoder does; none for an unconditional one."""
        state: ContextState = context.start(torch.zeros_like(values), side)
        found, nothing = [], values.new_zeros(len(values), self.chosen_head().parameters_per_element, 0)
        for step in steps:
            found.append(context.parameters_at(state, step) if step.conditional else nothing)
            context.observe(state, step, values.flatten(1)[:, step.elements])
        return found
