"""Contract of contexts."""

from __future__ import annotations

from typing import ClassVar

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..threads import threads
from .broken import fail, require
from .causality import FAR, conditional_elements, require_no_peeking, require_steps_are_the_whole
from .compare import (
    require_gradients,
    require_on_grid,
    require_same_bits,
    require_shape,
    transplant,
)
from .context_trial import ContextTrial
from .contract import contract, for_any
from .data import latent, seeds

LARGE, SMALL = (13, 18), (4, 5)
"""Height and width of latents: one is large enough for threads to share the work, one has few steps."""


def _sides(self: ContextContract) -> st.SearchStrategy[int]:
    return st.integers(1, self.largest_side)


class ContextContract(ContextTrial):
    """What every context promises; see `plic.core.slots.Context`.

    All but the training is checked in exact arithmetic, on the part that freezing makes.

    Attributes:
        channels: latent channels.
        side_features: features that the side information delivers; 0 for none.
        schedule: what the context is built against: a schedule, the id of a registered one, or ``{"use": id, ...}``
            with settings; None for the first registered one whose order fits.
        head: whose parameters it predicts, in the same ways.
        beyond_reach: groups of channels, by number, that see further than the reach, because their schedule waits for
            everything before them.
        largest_side: greatest height and width of a latent that is tried, but for one larger one.
    """

    examples = 6
    beyond_reach: ClassVar[frozenset[int]] = frozenset()
    largest_side: ClassVar[int] = 7

    # --- what is declared -------------------------------------------------------------------------------------------

    @contract
    def test_orders_are_declared(self) -> None:
        """The orders that it is built for are named, that of its schedule among them, and its reach fits."""
        orders, schedule, reach = self.part_class().orders, self.chosen_schedule(), self.make().reach
        require(isinstance(orders, frozenset) and all(isinstance(o, str) for o in orders), "no orders", got=orders)
        require(schedule.order in orders, "it is not built for its schedule", got=schedule.order, expected=orders)
        require(reach is None or reach >= 0, "the reach is no distance", got=reach, expected="0 or more, or None")
        problem = "it may look everywhere, and its schedule codes together what is out of reach"
        require(reach is not None or not schedule.needs_reach, problem)

    @contract
    def test_unconditional_steps_have_a_density(self) -> None:
        """If its schedule has steps that are not conditional, it has an unconditional head, without parameters."""
        context = self.make()
        head = context.unconditional
        if head is not None:
            taken = head.parameters_per_element
            require(taken == 0, "the unconditional head takes parameters", got=taken, expected=0)
        elif not all(step.conditional for step in self.steps(context, 8, 8)):
            fail("the schedule has steps that are not conditional, and the context no unconditional head")

    @contract
    def test_it_can_be_made_exact(self) -> None:
        """All its layers are known to exact arithmetic, and parameters come out on the exact grid."""
        values, side = self.latents(0, 5, 6)
        context = self.exact()
        parameters = context.parameters_all(values, side).flatten(2)
        for step in self.steps(context, 5, 6):
            if step.conditional:
                require_on_grid(parameters[:, :, step.elements], "a parameter")

    @for_any(height=_sides, width=_sides, batch=st.integers(1, 2), seed=seeds)
    def test_shapes(self, height: int, width: int, batch: int, seed: int) -> None:
        """Parameters are (B, P, C, h, w) of a whole pass and (B, P, n) of a step; values are (B, C, h, w)."""
        values, side = self.latents(seed, height, width, batch)
        context, count = self.exact(), self.chosen_head().parameters_per_element
        whole = (batch, count, self.channels, height, width)
        require_shape(context.parameters_all(values, side), whole, "parameters_all")
        for training in (False, True):
            lively = self.lively().train(training)
            forced = lively.teacher_forced(values.float(), None if side is None else side.float())
            require_shape(forced.parameters, whole, "teacher_forced: parameters")
            require_shape(forced.values, tuple(values.shape), "teacher_forced: values")
            if forced.weight is not None:
                require(training, "teacher_forced samples elements outside training", got="a weight", expected=None)
                require_shape(forced.weight, tuple(values.shape[1:]), "teacher_forced: weight")
        state = context.start(torch.zeros_like(values), side)
        for step in self.steps(context, height, width):
            require_shape(state.values, tuple(values.shape), "the state's values")
            if step.conditional:
                require_shape(context.parameters_at(state, step), (batch, count, step.size), "parameters_at")
            context.observe(state, step, values.flatten(1)[:, step.elements])

    # --- causality --------------------------------------------------------------------------------------------------

    @for_any(height=_sides, width=_sides, seed=seeds)
    def test_no_peeking(self, height: int, width: int, seed: int) -> None:
        """Changing every element that is not decoded yet leaves a step's parameters as they are, to the last bit."""
        context = self.exact()
        steps = self.steps(context, height, width)
        require_no_peeking(context, steps, *self.latents(seed, height, width), seed + 2)

    @for_any(height=_sides, width=_sides, batch=st.integers(1, 2), seed=seeds)
    def test_steps_give_what_a_whole_pass_gives(self, height: int, width: int, batch: int, seed: int) -> None:
        """Step by step the parameters and values are those of a teacher-forced pass, to the last bit."""
        context = self.exact()
        steps = self.steps(context, height, width)
        require_steps_are_the_whole(context, steps, *self.latents(seed, height, width, batch))

    @for_any(height=_sides, width=_sides, seed=seeds)
    def test_what_is_not_decoded_reads_as_zero(self, height: int, width: int, seed: int) -> None:
        """The state's values are zero where nothing is decoded yet."""
        context = self.exact()
        values, side = self.latents(seed, height, width)
        state = context.start(torch.zeros_like(values), side)
        unknown = torch.ones(values[0].numel(), dtype=torch.bool)
        for index, step in enumerate(self.steps(context, height, width)):
            seen = state.values.flatten(1)[:, unknown]
            require_same_bits(seen, torch.zeros_like(seen), "undecoded elements have values", f"step {index}")
            if step.conditional:
                context.parameters_at(state, step)
            context.observe(state, step, values.flatten(1)[:, step.elements])
            unknown[step.elements] = False

    @for_any(height=_sides, width=_sides, seed=seeds)
    def test_walks_do_not_disturb_one_another(self, height: int, width: int, seed: int) -> None:
        """What is known is in the state alone: two latents coded in turns have the parameters of each by itself."""
        context = self.exact()
        steps = self.steps(context, height, width)
        pairs = [self.latents(seed + index, height, width) for index in range(2)]
        alone = [self.walk(context, steps, values, side) for values, side in pairs]
        states = [context.start(torch.zeros_like(values), side) for values, side in pairs]
        for index, step in enumerate(steps):
            for state, (values, _), expected in zip(states, pairs, alone, strict=True):
                if step.conditional:
                    got = context.parameters_at(state, step)
                    require_same_bits(got, expected[index], "another latent's walk shows", f"step {index}")
                context.observe(state, step, values.flatten(1)[:, step.elements])

    @for_any(height=_sides, width=_sides, seed=seeds)
    def test_reach_is_honest(self, height: int, width: int, seed: int) -> None:
        """In its group of channels an element sees no further than the reach; with a reach of 0 it sees no element."""
        context = self.exact()
        reach = context.reach
        if reach is None:
            return
        values, side = self.latents(seed, height, width)
        reference = context.parameters_all(values, side)
        decided = torch.zeros(values[0].numel(), dtype=torch.bool)
        decided[conditional_elements(self.steps(context, height, width))] = True
        decided = decided.view(values.shape[1:])
        other = values + latent(seed + 2, *values.shape, spread=FAR)
        groups = self.chosen_schedule().groups(self.channels)
        for number, (first, last) in enumerate(groups):
            if number in self.beyond_reach:
                continue
            for row, column in {(0, 0), (height // 2, width // 2), (height - 1, 0), (height - 1, width - 1)}:
                near = torch.zeros(values.shape[1:], dtype=torch.bool)
                if reach:
                    near[:first] = True
                    near[:, max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = True
                changed = context.parameters_all(torch.where(near, values, other), side)
                here = decided[first:last, row, column]
                require_same_bits(
                    changed[:, :, first:last, row, column][:, :, here],
                    reference[:, :, first:last, row, column][:, :, here],
                    f"elements beyond the declared reach of {reach} matter",
                    f"site ({row}, {column}), group {number} of channels",
                )

    # --- bits -------------------------------------------------------------------------------------------------------

    @contract
    def test_threads_and_batches_change_no_bit(self) -> None:
        """Any number of threads, and a latent alone or in a batch, give the same parameters to the last bit."""
        context = self.exact()
        values, side = self.latents(0, *LARGE, batch=3)
        values = values * (FAR // 6)
        decided = conditional_elements(self.steps(context, *LARGE))

        def whole(first: int, last: int) -> Tensor:
            part = None if side is None else side[first:last]
            return context.parameters_all(values[first:last], part).flatten(2)[:, :, decided]

        with torch.inference_mode():
            with threads(1):
                reference = whole(0, 3)
                problem = "parameters depend on what else is in the batch"
                require_same_bits(whole(1, 2), reference[1:2], problem, "a whole pass, batch of 1 instead of 3")
            with threads(2):
                problem = "parameters depend on the number of threads"
                require_same_bits(whole(0, 3), reference, problem, "a whole pass, 2 threads instead of 1")
            values, side = self.latents(1, *SMALL)
            steps = self.steps(context, *SMALL)
            with threads(1):
                reference = torch.cat(self.walk(context, steps, values, side), 2)
            with threads(2):
                found = torch.cat(self.walk(context, steps, values, side), 2)
                require_same_bits(found, reference, problem, "step by step, 2 threads instead of 1")

    @contract
    def test_frozen_weights_survive_a_round_trip(self) -> None:
        """What freezing stores is all that parameters depend on."""
        values, side = self.latents(0, 6, 5)
        source, target = self.exact(1), self.exact(2)
        transplant(source, target)
        decided = conditional_elements(self.steps(source, 6, 5))
        require_same_bits(
            target.parameters_all(values, side).flatten(2)[:, :, decided],
            source.parameters_all(values, side).flatten(2)[:, :, decided],
            "a context with another's stored weights computes other parameters",
        )

    # --- training ---------------------------------------------------------------------------------------------------

    @contract
    def test_gradients_reach_every_parameter(self) -> None:
        """In training every parameter of the module receives a finite gradient."""
        context = self.lively().train()
        for seed in range(4):
            values, side = self.latents(seed, 9, 10, batch=2)
            steps = self.steps(context, 9, 10)
            forced = context.teacher_forced(values.float(), None if side is None else side.float())
            decided = torch.zeros(values[0].numel(), dtype=torch.bool)
            decided[conditional_elements(steps)] = True
            if forced.weight is not None:
                decided &= forced.weight.flatten() > 0
            loss = (forced.parameters.flatten(2)[:, :, decided] - 1).square().sum()
            if context.refines:
                loss = loss + (forced.values - values - 1).square().sum()
            if context.unconditional is not None:
                nothing = values.new_zeros(len(values), 0, *values.shape[1:]).float()
                loss = loss - context.unconditional.likelihood(nothing, values.float()).log2().sum()
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
        require_gradients(context)
