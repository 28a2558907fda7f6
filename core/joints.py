"""The joints of the chain: each call of a part, and whether what it returns has the shape that its slot promises.

A part of a plugin that returns something else would make its neighbours fail, with a traceback that is about them.
Here the part itself is named, for the price of a comparison. Whether the numbers are right is for the conformance kit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from .blame import broken_promise
from .probability import IntegerDistribution, Support
from .slots import (
    Context,
    ContextState,
    Distortion,
    Distributions,
    Head,
    Latents,
    LatentShape,
    Objective,
    Quantizer,
    Rate,
    Refiner,
    Schedule,
    SideInformation,
    Step,
    TeacherForced,
    Transform,
)
from .slots.coder import Coder, Decoder, Encoder

Parameters = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Symbols = npt.NDArray[np.int32]


def analysis(transform: Transform, x: Tensor) -> Tensor:
    """`Transform.analysis`.

    Raises:
        PluginError: here and below, the part returned something else than its slot promises.
    """
    shape = (len(x), transform.latent_channels, x.shape[2] // transform.stride, x.shape[3] // transform.stride)
    return _held(
        transform.analysis(x), shape, "transform", transform, "analysis", "(B, latent_channels, H / stride, W / stride)"
    )


def synthesis(transform: Transform, y_hat: Tensor) -> Tensor:
    """`Transform.synthesis`."""
    shape = (len(y_hat), 3, y_hat.shape[2] * transform.stride, y_hat.shape[3] * transform.stride)
    return _held(
        transform.synthesis(y_hat), shape, "transform", transform, "synthesis", "(B, 3, h * stride, w * stride)"
    )


def scale(rate: Rate, y: Tensor, quality: Tensor) -> Tensor:
    """`Rate.scale`."""
    return _held(rate.scale(y, quality), y.shape, "rate", rate, "scale", "(B, C, h, w)")


def unscale(rate: Rate, y_hat: Tensor, quality: Tensor) -> Tensor:
    """`Rate.unscale`."""
    return _held(rate.unscale(y_hat, quality), y_hat.shape, "rate", rate, "unscale", "(B, C, h, w)")


def side_analysis(part: SideInformation, y: Tensor) -> Tensor:
    """`SideInformation.analysis`."""
    height, width = (-(-side // part.stride) for side in y.shape[2:])
    promised = "(B, channels, h / stride, w / stride), rounded up"
    return _held(
        part.analysis(y), (len(y), part.channels, height, width), "side_information", part, "analysis", promised
    )


def side_synthesis(part: SideInformation, z_hat: Tensor, height: int, width: int) -> Tensor:
    """`SideInformation.synthesis`."""
    result = part.synthesis(z_hat, height, width)
    shape = (len(z_hat), part.features, height, width)
    return _held(result, shape, "side_information", part, "synthesis", "(B, features, h, w)")


def teacher_forced(context: Context, values: Tensor, side: Tensor | None, parameters: int) -> TeacherForced:
    """`Context.teacher_forced`, which must give ``parameters`` for each element."""
    forced = context.teacher_forced(values, side)
    if not isinstance(forced, TeacherForced):
        raise broken_promise("context", context, "teacher_forced", _described(forced), "a TeacherForced")
    shape = _shape_of_parameters(values, parameters)
    _held(forced.parameters, shape, "context", context, "teacher_forced", "parameters (B, P, C, h, w)")
    _held(forced.values, values.shape, "context", context, "teacher_forced", "values (B, C, h, w)")
    return forced


def parameters_all(context: Context, values: Tensor, side: Tensor | None, parameters: int) -> Tensor:
    """`Context.parameters_all`, which must give ``parameters`` for each element."""
    shape = _shape_of_parameters(values, parameters)
    result = context.parameters_all(values, side)
    return _held(result, shape, "context", context, "parameters_all", "(B, P, C, h, w)")


def start(context: Context, values: Tensor, side: Tensor | None) -> ContextState:
    """`Context.start`."""
    state = context.start(values, side)
    if not isinstance(state, ContextState):
        raise broken_promise("context", context, "start", _described(state), "a ContextState")
    _held(state.values, values.shape, "context", context, "start", "values (B, C, h, w)")
    return state


def parameters_at(context: Context, state: ContextState, step: Step, parameters: int) -> Tensor:
    """`Context.parameters_at`, which must give ``parameters`` for each element of the step."""
    shape = (len(state.values), parameters, step.size)
    result = context.parameters_at(state, step)
    return _held(result, shape, "context", context, "parameters_at", "(B, P, n), n elements in the step")


def for_rate(quantizer: Quantizer, y: Tensor, noise: Tensor, centre: Tensor | None) -> Tensor:
    """`Quantizer.for_rate`."""
    return _held(quantizer.for_rate(y, noise, centre), y.shape, "quantizer", quantizer, "for_rate", "the latent's")


def for_synthesis(quantizer: Quantizer, y: Tensor, noise: Tensor, centre: Tensor | None) -> Tensor:
    """`Quantizer.for_synthesis`."""
    result = quantizer.for_synthesis(y, noise, centre)
    return _held(result, y.shape, "quantizer", quantizer, "for_synthesis", "the latent's")


def likelihood(head: Head, parameters: Tensor, values: Tensor) -> Tensor:
    """`Head.likelihood`."""
    result = head.likelihood(parameters, values)
    return _held(result, values.shape, "head", head, "likelihood", "(B, C, h, w)")


def distortion(part: Distortion, x: Tensor, x_hat: Tensor) -> Tensor:
    """`Distortion.__call__`."""
    return _held(part(x, x_hat), (len(x),), "distortion", part, "__call__", "(B,)")


def refined(refiner: Refiner, latents: Latents, objective: Objective) -> Latents:
    """`Refiner.refine`."""
    result = refiner.refine(latents, objective)
    if not isinstance(result, Latents):
        raise broken_promise("refiner", refiner, "refine", _described(result), "Latents")
    for before, after in ((latents.y, result.y), (latents.z, result.z)):
        if before is not None or after is not None:
            shape = () if before is None else before.shape
            _held(after, shape, "refiner", refiner, "refine", "what it began with")
    return result


def distribution(
    head: object, frozen: Distributions, parameters: Parameters, channels: Indices, support: Support
) -> IntegerDistribution:
    """What a ``frozen`` head makes of the parameters of some elements: a distribution for each of them."""
    result = frozen(parameters, channels, support)
    if not isinstance(result, IntegerDistribution):
        raise broken_promise("head", head, "freeze", _described(result), "an IntegerDistribution")
    if len(result) != len(channels):
        got, expected = f"distributions of {len(result)} elements", f"of the {len(channels)} elements asked for"
        raise broken_promise("head", head, "freeze", got, expected)
    return result


def symbols(coder: Coder, decoder: Decoder, distribution: IntegerDistribution) -> Symbols:
    """`Decoder.decode`, of a decoder of ``coder``."""
    result = decoder.decode(distribution)
    if isinstance(result, np.ndarray) and result.shape == (len(distribution),) and result.dtype == np.int32:
        return result
    raise broken_promise("coder", coder, "decode", _described(result), f"an array int32 ({len(distribution)},)")


def stream(coder: Coder, encoder: Encoder) -> bytes:
    """`Encoder.finish`, of an encoder of ``coder``."""
    result = encoder.finish()
    if isinstance(result, bytes):
        return result
    raise broken_promise("coder", coder, "finish", _described(result), "bytes")


def steps(schedule: Schedule, shape: LatentShape, reach: int | None) -> list[Step]:
    """`Schedule.steps`: as many elements as the latent has, each of them inside it."""
    found = list(schedule.steps(shape, reach))
    for index, step in enumerate(found):
        if not isinstance(step, Step):
            raise _wrong_steps(schedule, shape, f"step {index} is {_described(step)}", "a Step")
        if not 0 <= step.channels[0] <= step.channels[1] <= shape.channels:
            got = f"step {index} has channels from {step.channels[0]} up to {step.channels[1]}"
            raise _wrong_steps(schedule, shape, got, f"channels from 0 up to {shape.channels}")
    sites = np.concatenate([np.zeros(0, dtype=np.int64), *(step.sites for step in found)])
    if len(sites) and not 0 <= sites.min() <= sites.max() < shape.sites:
        got = f"steps with sites {sites.min()} to {sites.max()}"
        raise _wrong_steps(schedule, shape, got, f"sites from 0 to {shape.sites - 1}")
    size = sum(step.size for step in found)
    if size != shape.elements:
        got = f"{len(found)} steps of {size:,} elements together"
        raise _wrong_steps(schedule, shape, got, f"each of the {shape.elements:,} elements once")
    return found


def _shape_of_parameters(values: Tensor, parameters: int) -> tuple[int, ...]:
    return (len(values), parameters, *values.shape[1:])


def _held(result: Tensor | None, shape: Sequence[int], slot: str, part: object, method: str, promised: str) -> Tensor:
    if isinstance(result, Tensor) and result.shape == shape:
        return result
    raise broken_promise(slot, part, method, _described(result), f"a tensor {tuple(shape)}, which is {promised}")


def _described(result: object) -> str:
    if isinstance(result, np.ndarray):
        return f"an array {result.dtype} {result.shape}"
    return f"a tensor {tuple(result.shape)}" if isinstance(result, Tensor) else f"an object of {type(result).__name__}"


def _wrong_steps(schedule: Schedule, shape: LatentShape, got: str, expected: str) -> Exception:
    of = f"for a latent {shape.dimensions}"
    return broken_promise("schedule", schedule, "steps", f"{got}, {of}", expected)
