"""From latents to payloads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .. import joints
from ..errors import PlicError
from ..finite import all_finite
from ..probability import Support, best_support, escape
from ..slots import Grid, LatentShape, Step, put, take
from ..slots.coder import Coder
from ..stages import StageTimes
from .model import CodedLatent, LatentModel, Symbols, windowed_elements
from .payload import Payload

SYMBOL_LIMIT = 2.0**30
FEW_STEPS = 4  # up to here, going step by step costs less than computing all parameters for all sites


@dataclass(frozen=True)
class Quantised:
    """Latents on their grid.

    Attributes:
        values: ``(B, C, h, w)``, float64; as decoded, before a context refines them.
        symbols: int32 ``(B, C * h * w)``.
    """

    values: Tensor
    symbols: Symbols


@dataclass(frozen=True)
class _CodedStep:
    step: Step
    parameters: Tensor  # (B, P, n)
    symbols: Symbols  # (B, n)
    values: Tensor  # (B, n)


def encode_latent(
    y: Tensor, side: Tensor | None, model: LatentModel, coder: Coder, times: StageTimes, count_bits: bool = False
) -> CodedLatent:
    """Quantise and code a batch of latents.

    Args:
        y: ``(B, C, h, w)``, in units of the quantiser's step.
        side: side features ``(B, F, h, w)`` in exact arithmetic, or None.
        model: the probability model.
        coder: writes the bytes.
        times: is added to.
        count_bits: also compute the model's own cross-entropy.

    Raises:
        PlicError: ``y`` is not finite.
    """
    if not all_finite(y):
        raise PlicError("the latent is not finite", hint="the weights are broken; train or fetch them again")
    y = y.double().clamp(-SYMBOL_LIMIT, SYMBOL_LIMIT)
    steps = model.steps(LatentShape(*y.shape[1:]))
    walk = _walk(y, side, model, steps)
    coded: Iterable[_CodedStep] = _timed(walk.steps(), times)
    if model.grid is Grid.MEAN:  # symbols depend on parameters: all steps come before the window is known
        coded = list(coded)
        planes = torch.zeros_like(y, dtype=torch.int32)
        for one in coded:
            put(planes, one.step, torch.from_numpy(one.symbols))
    else:
        planes = torch.round(y - _offsets(model)).to(torch.int32)
    symbols = planes.flatten(1).numpy()
    windowed = windowed_elements(model, steps)
    writers = [_Writer(model, coder, best_support(one[windowed], coder.precision)) for one in symbols]
    for one in coded:
        with times.measure("coder"):
            for image, writer in enumerate(writers):
                writer.write(one, image, count_bits)
    with times.measure("coder"):
        payloads = [writer.finish() for writer in writers]
    bits = np.array([writer.bits if count_bits else np.nan for writer in writers])
    return CodedLatent(payloads, walk.values, symbols, bits)


def quantise(y: Tensor, side: Tensor | None, model: LatentModel) -> Quantised:
    """What `encode_latent` would code, without coding it.

    Args:
        y: ``(B, C, h, w)``, in units of the quantiser's step.
        side: side features ``(B, F, h, w)`` in exact arithmetic, or None.
        model: the probability model.
    """
    y = y.double().clamp(-SYMBOL_LIMIT, SYMBOL_LIMIT)
    if model.grid is not Grid.MEAN:
        offsets = _offsets(model)
        symbols = torch.round(y - offsets)
        return Quantised(symbols + offsets, symbols.to(torch.int32).flatten(1).numpy())
    values, symbols = torch.zeros_like(y), torch.zeros_like(y, dtype=torch.int32)
    for coded in _Stepwise(y, side, model, model.steps(LatentShape(*y.shape[1:]))).steps():
        put(values, coded.step, coded.values)
        put(symbols, coded.step, torch.from_numpy(coded.symbols))
    return Quantised(values, symbols.flatten(1).numpy())


class _Writer:
    """One image's payload while it is encoded."""

    def __init__(self, model: LatentModel, coder: Coder, support: Support) -> None:
        self.model = model
        self.support = support
        self.coder, self.encoder = coder, coder.encoder()
        self.excesses = [np.zeros(0, dtype=np.uint32)]
        self.bits = 0.0

    def write(self, coded: _CodedStep, image: int, count_bits: bool) -> None:
        distribution = self.model.distribution(coded.parameters[image], coded.step, self.support)
        clipped, excess = escape(coded.symbols[image], distribution)
        self.encoder.encode(distribution, clipped)
        self.excesses.append(excess)
        if count_bits:
            self.bits += float(distribution.bits(clipped).sum())

    def finish(self) -> bytes:
        return Payload(self.support, np.concatenate(self.excesses), joints.stream(self.coder, self.encoder)).pack()


class _TeacherForced:
    """All parameters at once: possible where the quantised values do not depend on them."""

    def __init__(self, y: Tensor, side: Tensor | None, model: LatentModel, steps: list[Step]) -> None:
        self._y, self._side, self._model, self._steps = y, side, model, steps
        offsets = _offsets(model)
        self.values = torch.round(y - offsets) + offsets

    def steps(self) -> Iterator[_CodedStep]:
        model = self._model
        parameters = joints.parameters_all(model.context, self.values, self._side, model.parameters_per_element)
        for step in self._steps:
            yield _quantised(take(self._y, step), take(parameters, step), model, step)


class _Stepwise:
    """As the decoder does."""

    def __init__(self, y: Tensor, side: Tensor | None, model: LatentModel, steps: list[Step]) -> None:
        self._y, self._model, self._steps = y, model, steps
        self._state = joints.start(model.context, torch.zeros_like(y), side)

    @property
    def values(self) -> Tensor:
        return self._state.values.clone()

    def steps(self) -> Iterator[_CodedStep]:
        model, state = self._model, self._state
        for step in self._steps:
            coded = _quantised(take(self._y, step), model.parameters(state, step), model, step)
            model.context.observe(state, step, coded.values)
            yield coded


def encoding_steps(model: LatentModel, shape: LatentShape) -> int:
    """How often `encode_latent` computes parameters one after the other: once where it can compute all at a time."""
    steps = model.steps(shape)
    return len(steps) if _is_stepwise(model, steps) else 1


def _walk(y: Tensor, side: Tensor | None, model: LatentModel, steps: list[Step]) -> _TeacherForced | _Stepwise:
    return (_Stepwise if _is_stepwise(model, steps) else _TeacherForced)(y, side, model, steps)


def _is_stepwise(model: LatentModel, steps: list[Step]) -> bool:
    return len(steps) <= FEW_STEPS or model.grid is Grid.MEAN or model.context.refines


def _quantised(y: Tensor, parameters: Tensor, model: LatentModel, step: Step) -> _CodedStep:
    centre = model.centre(parameters, step)
    symbols = torch.round(y - centre)
    return _CodedStep(step, parameters, symbols.to(torch.int32).numpy(), symbols + centre)


def _offsets(model: LatentModel) -> Tensor:
    """Offset of a grid that does not depend on parameters, ``(C, 1, 1)`` or a single zero."""
    if model.grid is Grid.MEDIAN and model.medians is not None:
        return model.medians[:, None, None]
    return torch.zeros(1, dtype=torch.float64)


def _timed(steps: Iterator[_CodedStep], times: StageTimes) -> Iterator[_CodedStep]:
    """The steps, with the time of making each counted as that of the probability networks."""
    while True:
        with times.measure("probability"):
            step = next(steps, None)
        if step is None:
            return
        yield step
