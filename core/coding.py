"""Entropy coding of one latent along its schedule: where context, head and coder meet.

    encode   y ─ steps: (parameters, symbols) ─ support ─ integer distributions ─ coder ─ payload
    decode   payload ─ for each step: parameters of what is known ─ distributions ─ coder ─ symbols ─ values

A payload is the support of the symbols, the excesses of escaped symbols, then the coder's bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .errors import DamagedStream, PlicError
from .payload import Payload
from .probability import IntegerDistribution, Support, best_support, escape, restore
from .slots import Context, Distributions, Grid, LatentShape, Schedule, Step
from .slots.coder import Coder, Decoder
from .stages import StageTimes

Symbols = npt.NDArray[np.int32]
Doubles = npt.NDArray[np.float64]

SYMBOL_LIMIT = 2.0**30
EXTREMES = np.array([-(2**31), 2**31 - 1], dtype=np.int32)
FEW_STEPS = 4  # up to here, going step by step costs less than computing all parameters for all sites


@dataclass(frozen=True)
class LatentModel:
    """Everything that determines the probabilities of one latent, in exact arithmetic.

    Attributes:
        context: hardened.
        head: frozen head of the conditional steps.
        takes_parameters: whether the head takes any; a head that takes none brings tables and windows of its own.
        schedule: order of the elements.
        grid: where quantised values lie.
        mean_index: the mean among the head's parameters, for the mean-centred grid.
        medians: ``(C,)``, for the channel-median grid.
    """

    context: Context
    head: Distributions
    takes_parameters: bool
    schedule: Schedule
    grid: Grid
    mean_index: int | None = None
    medians: Tensor | None = None

    def steps(self, shape: LatentShape) -> list[Step]:
        """The schedule's steps for a latent of ``shape``."""
        return list(self.schedule.steps(shape, self.context.reach))

    def uses_window(self, step: Step) -> bool:
        """Whether the step's distributions take their window from the stream, not from tables of their own."""
        return step.conditional and self.takes_parameters

    def centre(self, parameters: Tensor, step: Step) -> Tensor:
        """Offset of the grid, ``(B or 1, n)``, on the exact grid."""
        if self.grid is Grid.MEAN and step.conditional and self.mean_index is not None:
            return parameters[:, self.mean_index]
        if self.grid is Grid.MEDIAN and self.medians is not None:
            return self.medians[_channels(step)][None]
        return torch.zeros(1, 1, dtype=torch.float64)

    def distribution(self, parameters: Tensor, step: Step, support: Support) -> IntegerDistribution:
        """Integer distributions of one image's step; ``parameters`` are ``(P, n)``."""
        if not step.conditional:
            return self._unconditional()(np.empty((0, step.size)), _channels(step), support)
        raw = parameters.numpy()
        if self.grid is Grid.MEAN and self.mean_index is not None:
            raw = raw.copy()
            raw[self.mean_index] = 0
        return self.head(raw, _channels(step), support)

    def _unconditional(self) -> Distributions:
        head: object = self.context.unconditional
        if not callable(head):
            raise PlicError("a step is not conditional, and the context has no density for it")
        return head


@dataclass(frozen=True)
class CodedLatent:
    """Result of encoding or decoding a batch of latents.

    Attributes:
        payloads: bytes per image.
        values: quantised latents ``(B, C, h, w)``, float64.
        symbols: int32 ``(B, C * h * w)``.
        bits: the model's own cross-entropy per image; NaN unless asked for.
    """

    payloads: list[bytes]
    values: Tensor
    symbols: Symbols
    bits: npt.NDArray[np.float64]


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
    if not bool(torch.isfinite(y).all()):
        raise PlicError("the latent is not finite", hint="the weights are broken; train or fetch them again")
    y = y.double().clamp(-SYMBOL_LIMIT, SYMBOL_LIMIT)
    shape = LatentShape(*y.shape[1:])
    steps = model.steps(shape)
    with times.measure("probability"):
        known = model.grid is not Grid.MEAN or len(steps) == 1  # values that do not wait for parameters
        if not known or len(steps) <= FEW_STEPS:
            coded = list(_stepwise(y, side, model, steps))
        else:
            coded = list(_teacher_forced(y, side, model, steps))
    values, symbols = torch.zeros_like(y).flatten(1), np.zeros((len(y), shape.elements), dtype=np.int32)
    for step, one in zip(steps, coded, strict=True):
        values[:, step.elements] = one.values
        symbols[:, step.elements] = one.symbols
    payloads, bits = [], np.full(len(y), np.nan)
    for image in range(len(y)):
        with times.measure("coder"):
            support, distributions = _distributions(image, coded, model, coder)
            payloads.append(_encode_one(image, coded, support, distributions, coder))
        if count_bits:
            bits[image] = _cross_entropy(image, coded, distributions)
    return CodedLatent(payloads, values.view(y.shape), symbols, bits)


def decode_latent(
    payloads: list[bytes],
    shape: LatentShape,
    side: Tensor | None,
    model: LatentModel,
    coder: Coder,
    times: StageTimes,
    section: str,
) -> CodedLatent:
    """Decode a batch of latents of one shape.

    Raises:
        DamagedStream: a payload is not what an encoder of this model writes.
    """
    batch = len(payloads)
    with times.measure("coder"):
        readers = [_Reader(payload, coder, section) for payload in payloads]
    symbols = np.zeros((batch, shape.elements), dtype=np.int32)
    values = torch.zeros(batch, shape.elements, dtype=torch.float64)
    with times.measure("probability"):
        state = model.context.start(shape, batch, side)
    for step in model.steps(shape):
        with times.measure("probability"):
            parameters = _parameters(model, state, step, batch)
        with times.measure("coder"):
            decoded = np.stack(
                [
                    reader.decode(model.distribution(parameters[image], step, reader.support))
                    for image, reader in enumerate(readers)
                ]
            )
        with times.measure("probability"):
            step_values = torch.from_numpy(decoded).double() + model.centre(parameters, step)
            model.context.observe(state, step, step_values)
        symbols[:, step.elements] = decoded
        values[:, step.elements] = step_values
    with times.measure("coder"):
        windowed = _windowed(model.steps(shape), model)
        for image, reader in enumerate(readers):
            reader.finish(symbols[image, windowed])
    bits = np.full(batch, np.nan)
    return CodedLatent(payloads, values.view(batch, shape.channels, shape.height, shape.width), symbols, bits)


def digest(symbols: list[Symbols]) -> int:
    """CRC-32 of all symbols of one image, as little-endian int32."""
    checksum = 0
    for part in symbols:
        checksum = zlib.crc32(np.ascontiguousarray(part, dtype="<i4").tobytes(), checksum)
    return checksum


@dataclass(frozen=True)
class _CodedStep:
    step: Step
    parameters: Tensor  # (B, P, n)
    symbols: Symbols  # (B, n)
    values: Tensor  # (B, n)


def _teacher_forced(y: Tensor, side: Tensor | None, model: LatentModel, steps: list[Step]) -> Iterator[_CodedStep]:
    """All parameters at once: possible where the quantised values do not depend on them."""
    offsets = torch.zeros(1, dtype=torch.float64)
    if model.grid is Grid.MEDIAN and model.medians is not None:
        offsets = model.medians[:, None, None]
    values = torch.round(y - offsets) + offsets
    parameters = model.context.parameters_all(values, side).flatten(2)  # (B, P, C * h * w)
    flat = y.flatten(1)
    for step in steps:
        elements = torch.from_numpy(step.elements)
        yield _quantise(flat[:, elements], parameters.index_select(2, elements), model, step)


def _stepwise(y: Tensor, side: Tensor | None, model: LatentModel, steps: list[Step]) -> Iterator[_CodedStep]:
    """As the decoder does."""
    state = model.context.start(LatentShape(*y.shape[1:]), len(y), side)
    flat = y.flatten(1)
    for step in steps:
        parameters = _parameters(model, state, step, len(y))
        coded = _quantise(flat[:, torch.from_numpy(step.elements)], parameters, model, step)
        model.context.observe(state, step, coded.values)
        yield coded


def _quantise(y: Tensor, parameters: Tensor, model: LatentModel, step: Step) -> _CodedStep:
    centre = model.centre(parameters, step)
    symbols = torch.round(y - centre)
    return _CodedStep(step, parameters, symbols.to(torch.int32).numpy(), symbols + centre)


def _parameters(model: LatentModel, state: object, step: Step, batch: int) -> Tensor:
    if not step.conditional:
        return torch.zeros(batch, 0, step.size, dtype=torch.float64)
    return model.context.parameters_at(state, step)  # type: ignore[arg-type]


def _distributions(
    image: int, coded: list[_CodedStep], model: LatentModel, coder: Coder
) -> tuple[Support, list[IntegerDistribution]]:
    windowed = [one.symbols[image] for one in coded if model.uses_window(one.step)]
    support = best_support(np.concatenate([np.zeros(0, dtype=np.int32), *windowed]), coder.precision)
    return support, [model.distribution(one.parameters[image], one.step, support) for one in coded]


def _encode_one(
    image: int, coded: list[_CodedStep], support: Support, distributions: list[IntegerDistribution], coder: Coder
) -> bytes:
    encoder = coder.encoder()
    excesses = []
    for one, distribution in zip(coded, distributions, strict=True):
        clipped, excess = escape(one.symbols[image], distribution)
        encoder.encode(distribution, clipped)
        excesses.append(excess)
    return Payload(support, np.concatenate(excesses), encoder.finish()).pack()


def _cross_entropy(image: int, coded: list[_CodedStep], distributions: list[IntegerDistribution]) -> float:
    total = 0.0
    for one, distribution in zip(coded, distributions, strict=True):
        total += float(distribution.bits(escape(one.symbols[image], distribution)[0]).sum())
    return total


class _Reader:
    """One image's payload while it is decoded."""

    def __init__(self, payload: bytes, coder: Coder, section: str) -> None:
        self.section = section
        parsed = Payload.unpack(payload, section)
        self.support = parsed.support
        self.precision = coder.precision
        widest = best_support(EXTREMES, coder.precision)
        if len(self.support) > len(widest):
            raise self._not_written("a window of symbols", len(self.support), f"at most {len(widest)} symbols")
        self.excesses = parsed.excesses
        self.used = 0
        self.decoder: Decoder = coder.decoder(parsed.data)

    def decode(self, distribution: IntegerDistribution) -> Symbols:
        return restore(self.decoder.decode(distribution), distribution, self._read)

    def _read(self, count: int) -> npt.NDArray[np.uint32]:
        self.used += count
        return self.excesses[self.used - count : self.used]

    def finish(self, windowed: Symbols) -> None:
        """Check that an encoder of these symbols writes this payload; ``windowed`` are those of conditional steps."""
        self.decoder.finish()
        if self.used != len(self.excesses):
            raise self._not_written("escapes", len(self.excesses), self.used)
        if self.support != (support := best_support(windowed, self.precision)):
            raise self._not_written("a window of symbols", self.support, support)

    def _not_written(self, what: str, got: object, expected: object) -> DamagedStream:
        return DamagedStream(
            f"section {self.section} declares {what} that no encoder writes",
            got=got,
            expected=expected,
            hint="fetch the file again",
        )


def _windowed(steps: list[Step], model: LatentModel) -> npt.NDArray[np.int64]:
    """Elements whose distributions take their window from the stream."""
    elements = [step.elements for step in steps if model.uses_window(step)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *elements])


def _channels(step: Step) -> npt.NDArray[np.int64]:
    return np.repeat(np.arange(*step.channels, dtype=np.int64), len(step.sites))
