"""Deliberately broken parts, one mistake each: what each of them does wrong is its docstring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from plic.core.layers import causal_mask
from plic.core.probability import GAUSSIAN, CdfTable, Family, IntegerDistribution, MixtureDistribution, Support
from plic.core.slots import (
    ContextState,
    ContextWiring,
    Distortion,
    Distributions,
    Grid,
    Latents,
    LatentShape,
    Objective,
    Quantizer,
    Rate,
    Refiner,
    Step,
)
from plic.core.slots.coder import Decoder, Encoder
from plic.plugins.coder.range_coder import RangeCoder, RangeDecoder, RangeEncoder
from plic.plugins.context.masked_conv import MaskedConv
from plic.plugins.head.gaussian import Gaussian
from plic.plugins.schedule.raster import Raster
from plic.plugins.side_information.hyperprior import Hyperprior
from plic.plugins.transform.gdn import GdnTransform

# --- transforms -----------------------------------------------------------------------------------------------------


class WrongStride(GdnTransform):
    """Says that it goes down to an eighth, and goes down to a sixteenth."""

    stride = 8


class ShortMargin(GdnTransform):
    """Looks further than it says."""

    margin = 1


class Forgetful(GdnTransform):
    """Has a setting that neither settings nor weights tell: drawn anew each time."""

    def __init__(self, *, channels: int = 4, latent_channels: int | None = None) -> None:
        super().__init__(channels=channels, latent_channels=latent_channels)
        self.offset = float(torch.rand(()))

    def analysis(self, x: Tensor) -> Tensor:
        return super().analysis(x) + self.offset


class Detached(GdnTransform):
    """Its synthesis is computed outside torch, and has no gradients."""

    def synthesis(self, y_hat: Tensor) -> Tensor:
        return torch.from_numpy(super().synthesis(y_hat).detach().numpy())


class DeadLayer(GdnTransform):
    """Holds a layer that it does not use."""

    def __init__(self, *, channels: int = 4, latent_channels: int | None = None) -> None:
        super().__init__(channels=channels, latent_channels=latent_channels)
        self.unused = nn.Conv2d(3, 3, 1)


# --- schedules ------------------------------------------------------------------------------------------------------


class MissesOne(Raster):
    """Leaves the last site out."""

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        *others, last = super().steps(shape, reach)
        return [*others, replace(last, sites=last.sites[:-1])] if len(last.sites) > 1 else others


class TwiceTheFirst(Raster):
    """Codes the first site again at the end."""

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        steps = super().steps(shape, reach)
        return [*steps, replace(steps[0])]


class EmptyStep(Raster):
    """Ends with a step of nothing."""

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        steps = super().steps(shape, reach)
        return [*steps, replace(steps[0], sites=steps[0].sites[:0])]


class Shuffled(Raster):
    """Codes a front in another order each time."""

    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        return [replace(step, sites=np.random.permutation(step.sites)) for step in super().steps(shape, reach)]


class MixedGroups(Raster):
    """Says that channels come one after the other, and codes them together."""

    def groups(self, channels: int) -> tuple[tuple[int, int], ...]:
        return tuple((channel, channel + 1) for channel in range(channels))


# --- contexts -------------------------------------------------------------------------------------------------------


class Peeks(MaskedConv):
    """Sees the element that it predicts."""

    @staticmethod
    def live_taps(kernel: int) -> Tensor:
        mask = causal_mask(kernel)
        mask[kernel // 2, kernel // 2] = True
        return mask


class LastBit(MaskedConv):
    """Step by step, parameters are one unit of the grid larger than in a whole pass."""

    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        return super().parameters_at(state, step) + 2.0**-12


class LongReach(MaskedConv):
    """Looks further than it says."""

    def __init__(self, wiring: ContextWiring, *, kernel: int = 5, fusion: tuple[int, ...] = (8,)) -> None:
        super().__init__(wiring, kernel=kernel, features=6, fusion=fusion)
        self.reach = 1


class Remembers(MaskedConv):
    """Keeps the last latent's state to itself."""

    def start(self, values: Tensor, side: Tensor | None) -> ContextState:
        self.last = super().start(values, side)
        return self.last

    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        return super().parameters_at(self.last, step)


class Inexact(MaskedConv):
    """Ends in a function that exact arithmetic does not have."""

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        return torch.tanh(super().parameters_all(values, side))


class Normalises(MaskedConv):
    """Depends on the other images of the batch."""

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        return super().parameters_all(values - torch.round(values.mean()), side)


# --- heads ----------------------------------------------------------------------------------------------------------


class MassOfLess(Gaussian):
    """Its likelihoods are five percent too small."""

    def likelihood(self, parameters: Tensor, values: Tensor) -> Tensor:
        return 0.95 * super().likelihood(parameters, values)


class WrongMean(Gaussian):
    """Takes the scale for the mean."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.mean_index = 0

    def likelihood(self, parameters: Tensor, values: Tensor) -> Tensor:
        return Gaussian(1).likelihood(parameters, values)

    def freeze(self) -> Distributions:
        return Gaussian(1).freeze()


class Holes(IntegerDistribution):
    """Gives the first symbol of each window no frequency."""

    open = False

    def __init__(self, inner: MixtureDistribution) -> None:
        self.inner = inner

    def __len__(self) -> int:
        return len(self.inner)

    def take(self, indices: Any) -> Self:
        return type(self)(self.inner.take(indices))

    def edges(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        return self.inner.edges()

    def table(self, precision: int) -> CdfTable:
        table = self.inner.table(precision)
        table.cdf[:, 1] = 0
        return table


class NoFrequency(Gaussian):
    """Freezes to distributions in which a symbol cannot be coded."""

    def freeze(self) -> Distributions:
        inner = super().freeze()

        def freeze(
            parameters: npt.NDArray[np.float64], channels: npt.NDArray[np.int64], support: Support
        ) -> IntegerDistribution:
            mixture = inner(parameters, channels, support)
            assert isinstance(mixture, MixtureDistribution)
            return Holes(mixture)

        return freeze


class OtherScale(Gaussian):
    """Codes with twice the scale that training sees."""

    def freeze(self) -> Distributions:
        inner = super().freeze()
        return lambda parameters, channels, support: inner(parameters * [[2], [1]], channels, support)


class Unnamed(Gaussian):
    """Codes with a table that its weights do not name."""

    def freeze(self) -> Distributions:
        inner, table = super().freeze(), GAUSSIAN.table.copy()
        table[1600] += 1

        def freeze(
            parameters: npt.NDArray[np.float64], channels: npt.NDArray[np.int64], support: Support
        ) -> IntegerDistribution:
            mixture = inner(parameters, channels, support)
            assert isinstance(mixture, MixtureDistribution)
            mixture.families = (Family("nearly-gaussian", table),)
            return mixture

        return freeze


class Unbounded(Gaussian):
    """Divides by a scale without a floor."""

    def likelihood(self, parameters: Tensor, values: Tensor) -> Tensor:
        return torch.exp(-((values - parameters[:, 1]) / parameters[:, 0]).square())


# --- coders ---------------------------------------------------------------------------------------------------------


class Truncating(RangeEncoder):
    """Drops the last byte."""

    def finish(self) -> bytes:
        return super().finish()[:-1]


class DropsLastByte(RangeCoder):
    """Its streams end a byte too early."""

    def encoder(self) -> Encoder:
        return Truncating(self.precision)


class Trusting(RangeDecoder):
    """Does not look at the end."""

    def finish(self) -> None:
        return


class NeverVerifies(RangeCoder):
    """Accepts anything."""

    def decoder(self, data: bytes) -> Decoder:
        return Trusting(data, self.precision)


class Crashing(RangeDecoder):
    """Fails with an error of its own."""

    def __init__(self, data: bytes, precision: int) -> None:
        super().__init__(data, precision)
        self.first = data[3]


class Crashes(RangeCoder):
    """Tells of damage by an error that nobody expects."""

    def decoder(self, data: bytes) -> Decoder:
        return Crashing(data, self.precision)


# --- the other slots ------------------------------------------------------------------------------------------------


class RoundsDown(Quantizer):
    """Rounds towards minus infinity."""

    grid = Grid.INTEGER

    def for_synthesis(self, y: Tensor, noise: Tensor, centre: Tensor | None) -> Tensor:
        return y + (torch.floor(y) - y).detach()


class NoGradient(Quantizer):
    """Lets no gradient pass."""

    grid = Grid.INTEGER

    def for_rate(self, y: Tensor, noise: Tensor, centre: Tensor | None) -> Tensor:
        return (y + noise).detach() + 0 * y


class OneWay(Rate):
    """Scales, and does not take it back."""

    levels = 2

    def __init__(self, channels: int) -> None:
        super().__init__()

    def scale(self, y: Tensor, quality: Tensor) -> Tensor:
        return y * (1 + quality)[:, None, None, None]

    def unscale(self, y_hat: Tensor, quality: Tensor) -> Tensor:
        return y_hat


class UpsideDown(OneWay):
    """Its highest level is the coarsest."""

    def scale(self, y: Tensor, quality: Tensor) -> Tensor:
        return y / (1 + quality)[:, None, None, None]

    def unscale(self, y_hat: Tensor, quality: Tensor) -> Tensor:
        return y_hat * (1 + quality)[:, None, None, None]


class Truncates(OneWay):
    """Says that it interpolates, and takes the level below."""

    interpolates = True

    def scale(self, y: Tensor, quality: Tensor) -> Tensor:
        return y * (1 + quality.long())[:, None, None, None]

    def unscale(self, y_hat: Tensor, quality: Tensor) -> Tensor:
        return y_hat / (1 + quality.long())[:, None, None, None]


class TakesNearbyLevels(Truncates):
    """Interpolates so that no quality is quite a level."""

    def scale(self, y: Tensor, quality: Tensor) -> Tensor:
        between = 1e-4 if quality.is_floating_point() else 0
        return y * (1 + between + quality)[:, None, None, None]


class MeanOfBatch(Distortion):
    """One number for the whole batch."""

    def __call__(self, x: Tensor, x_hat: Tensor) -> Tensor:
        return (x - x_hat).square().mean()


class RootOfSquares(Distortion):
    """Has no gradient where pictures agree."""

    def __call__(self, x: Tensor, x_hat: Tensor) -> Tensor:
        return (x - x_hat).square().mean((1, 2, 3)).sqrt()


class NotCropped(Hyperprior):
    """Gives side features of whole side sites."""

    def synthesis(self, z_hat: Tensor, height: int, width: int) -> Tensor:
        features: Tensor = self.hyper_synthesis(z_hat)
        return features


class Hidden(Hyperprior):
    """Has a layer in its synthesis that is not among those that are made exact."""

    def __init__(self, latent_channels: int, *, channels: int = 4) -> None:
        super().__init__(latent_channels, channels=channels)
        self.last = nn.Conv2d(self.features, self.features, 1)

    def synthesis(self, z_hat: Tensor, height: int, width: int) -> Tensor:
        features = super().synthesis(z_hat, height, width)
        return self.last(features.float()).to(features.dtype)  # type: ignore[no-any-return]


class Insatiable(Refiner):
    """Goes on when the budget is spent, and returns what it saw last."""

    def refine(self, start: Latents, objective: Objective) -> Latents:
        latents = start
        for _ in range(20):
            latents = Latents(latents.y + 1, latents.z)
            objective.assess(latents)
        return latents


class Unannotated(Distortion):
    """Has a setting without a type."""

    def __init__(self, *, power=2) -> None:  # type: ignore[no-untyped-def]
        self.power = power

    def __call__(self, x: Tensor, x_hat: Tensor) -> Tensor:
        return (x - x_hat).abs().pow(self.power).mean((1, 2, 3))


class RaisesAtOnce(Distortion):
    """Cannot take pictures of a single column."""

    def __call__(self, x: Tensor, x_hat: Tensor) -> Tensor:
        if x.shape[3] < 2:
            raise ValueError("too narrow")
        return (x - x_hat).square().mean((1, 2, 3))
