"""The rate of a latent: what coding it will take, to the bit, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .. import joints
from ..coding import LatentModel, quantise, windowed_elements
from ..exact import straight_through
from ..probability import IntegerDistribution, best_support, escape
from ..slots import Head, LatentShape, Step

Symbols = npt.NDArray[np.int32]


@dataclass(frozen=True)
class LatentRate:
    """Rate of one picture's latent.

    Attributes:
        bits: what the coder will write, but for the few bytes that any stream takes.
        loss: scalar with the gradient of the bits with respect to the real latent; see `plic.core.slots.Assessment`.
        rounded: ``(1, C, h, w)``, on the grid, without gradients.
        values: ``(1, C, h, w)`` as the synthesis sees them, refined where the context does that; gradients pass
            straight through the rounding.
    """

    bits: float
    loss: Tensor
    rounded: Tensor
    values: Tensor


def latent_rate(y: Tensor, side: Tensor | None, model: LatentModel, head: Head | None, precision: int) -> LatentRate:
    """Rate of a latent under a frozen model.

    Quantised values come first, without gradients; on the mean-centred grid step by step, as in coding. One
    teacher-forced pass over ``y + stopgrad(values - y)`` then gives the parameters of all elements, in exact
    arithmetic, with the gradient that going step by step would have.

    An element's bits depend on its own value and, through parameters, on those of others. The slope in the others is
    taken at the rounded values. The slope in its own is taken at its real value: at a symbol in the middle of a narrow
    density it would be zero, as if the next symbol cost nothing.

    Args:
        y: ``(1, C, h, w)``.
        side: side features in exact arithmetic, or None.
        model: probability model in exact arithmetic.
        head: whose likelihood gives the gradient; None if it owns its densities, and takes no parameters.
        precision: bits of the coder.
    """
    with torch.no_grad():
        quantised = quantise(y.detach(), None if side is None else side.detach(), model)
    values = straight_through(quantised.values, lambda x: x.double(), y)
    forced = joints.teacher_forced(model.context, values, side, model.parameters_per_element)
    parameters = forced.parameters.flatten(2)[0]  # (P, C * h * w)
    symbols = quantised.symbols[0]
    steps = model.steps(LatentShape(*y.shape[1:]))
    support = best_support(symbols[windowed_elements(model, steps)], precision)
    bits, loss = 0.0, values.new_zeros(())
    for conditional in (True, False):
        together = _together([step for step in steps if step.conditional == conditional])
        if together is None:
            continue
        elements = torch.from_numpy(together.elements)
        # what a step takes: all of the parameters, or none if it is unconditional
        some = parameters[:, elements] if conditional else parameters[:0, elements]
        distribution = model.distribution(some.detach(), together, support)
        of_step = symbols[together.elements]
        bits += float(_bits(distribution, of_step, precision).sum())
        if conditional and head is not None:
            of_others = head.likelihood(forced.parameters, quantised.values)
            of_itself = head.likelihood(forced.parameters.detach(), y)
            loss = loss - (of_others * of_itself).flatten()[elements].log2().sum()
        else:
            apart = (y.detach() - quantised.values).flatten()[elements].numpy()
            slope = torch.from_numpy(_slope(distribution, of_step, apart, precision))
            loss = loss + (slope * y.flatten()[elements]).sum()
    return LatentRate(bits, loss, quantised.values.to(y.dtype), forced.values)


def _together(steps: list[Step]) -> Step | None:
    """One step of all elements of ``steps``: they are already quantised, so that their order does not matter."""
    if not steps:
        return None
    shape = steps[0].shape
    channels, sites = np.divmod(np.concatenate([step.elements for step in steps]), shape.sites)
    return Step(shape, sites, (0, shape.channels), conditional=steps[0].conditional, site_channels=channels)


def _bits(distribution: IntegerDistribution, symbols: Symbols, precision: int) -> npt.NDArray[np.float64]:
    """Bits of each symbol, those of escapes included."""
    clipped, _ = escape(symbols, distribution)
    _, frequency = distribution.intervals(clipped, precision)
    bits: npt.NDArray[np.float64] = precision - np.log2(frequency)
    if distribution.open:
        low, high = distribution.edges()
        at_edge = (clipped == low) | (clipped == high)
        excess = np.abs(symbols[at_edge].astype(np.int64) - clipped[at_edge])
        length = 1 + sum((excess >> shift > 0).astype(np.int64) for shift in range(7, 35, 7))
        bits[at_edge] += 8 * length  # an excess is written as a varint
    return bits


def _slope(
    distribution: IntegerDistribution, symbols: Symbols, apart: npt.NDArray[np.float64], precision: int
) -> npt.NDArray[np.float64]:
    """Slope of the parabola through the bits of each symbol and of its neighbours, for densities that are tables.

    Args:
        distribution: of the elements.
        symbols: that were coded.
        apart: how far the real values lie above the rounded ones, at most one half.
        precision: bits of the coder.
    """
    below, at, above = (_bits(distribution, symbols + step, precision) for step in (-1, 0, 1))
    slope: npt.NDArray[np.float64] = (above - below) / 2 + apart * (above - 2 * at + below)
    return slope
