"""Two checks that catch nearly every mistake of a context: what it must not see, and that both its ways agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..slots import Context, Step
from .compare import require_same_bits
from .data import latent

STEPS_TRIED = 5
"""Steps of one latent at which later elements are changed."""
FAR = 300
"""By how much elements are changed that must not matter: far more than latents vary."""


def require_no_peeking(context: Context, steps: Sequence[Step], values: Tensor, side: Tensor | None, seed: int) -> None:
    """Changing all elements that are not decoded yet leaves a step's parameters as they are, to the last bit.

    Args:
        context: in exact arithmetic.
        steps: of the latent.
        values: ``(B, C, h, w)``, on the grid.
        side: features ``(B, F, h, w)`` or None.
        seed: of the changes.
    """
    __tracebackhide__ = True
    reference = context.parameters_all(values, side).flatten(2)
    other = values.flatten(1) + latent(seed, 1, values[0].numel(), spread=FAR)
    for index in _some_of(steps):
        known = torch.zeros(values[0].numel(), dtype=torch.bool)
        for step in steps[:index]:
            known[step.elements] = True
        changed = torch.where(known, values.flatten(1), other).view_as(values)
        elements = steps[index].elements
        require_same_bits(
            context.parameters_all(changed, side).flatten(2)[:, :, elements],
            reference[:, :, elements],
            "parameters depend on elements that are not decoded yet",
            f"step {index} of {len(steps)}",
        )


def require_steps_are_the_whole(context: Context, steps: Sequence[Step], values: Tensor, side: Tensor | None) -> None:
    """Step by step, parameters and values are those of a teacher-forced pass, to the last bit; arguments as above."""
    __tracebackhide__ = True
    forced = context.teacher_forced(values, side)
    everything = context.parameters_all(values, side).flatten(2)
    decided = conditional_elements(steps)
    problem = "parameters_all and teacher_forced differ"
    require_same_bits(forced.parameters.flatten(2)[:, :, decided], everything[:, :, decided], problem)
    state = context.start(torch.zeros_like(values), side)
    for index, step in enumerate(steps):
        if step.conditional:
            got, expected = context.parameters_at(state, step), everything[:, :, step.elements]
            problem = "parameters computed step by step differ from those of a whole pass"
            require_same_bits(got, expected, problem, f"step {index} of {len(steps)}")
        context.observe(state, step, values.flatten(1)[:, step.elements])
    problem = "the state's values are not those of a teacher-forced pass"
    require_same_bits(state.values.contiguous(), forced.values, problem)
    if not context.refines:
        problem = "values change although the context does not declare that it refines them"
        require_same_bits(state.values.contiguous(), values, problem)


def conditional_elements(steps: Sequence[Step]) -> NDArray[np.int64]:
    """Elements whose parameters are defined."""
    elements = [step.elements for step in steps if step.conditional]
    return np.concatenate([np.zeros(0, dtype=np.int64), *elements])


def _some_of(steps: Sequence[Step]) -> list[int]:
    """Some conditional steps, the first and the last among them."""
    indices = [index for index, step in enumerate(steps) if step.conditional]
    if len(indices) <= STEPS_TRIED:
        return indices
    spread = [indices[len(indices) * part // STEPS_TRIED] for part in range(STEPS_TRIED - 1)]
    return [*spread, indices[-1]]
