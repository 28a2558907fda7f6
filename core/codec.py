"""The trainable codec: a module that estimates rate and reconstruction, and cannot code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from . import joints
from .medians import Medians
from .recipe import Parts, Recipe, build_parts
from .slots import Grid, LatentShape

if TYPE_CHECKING:
    from .frozen import FrozenCodec
    from .registry import Registry

Noise = Callable[[Tensor], Tensor]
"""From a tensor to noise of its shape, uniform in [-1/2, 1/2)."""


@dataclass
class CodecOutput:
    """What one pass over a batch gives.

    Attributes:
        x_hat: reconstruction ``(B, 3, H, W)``, not clipped.
        bits_y: estimated bits of the latent, ``(B,)``.
        bits_z: estimated bits of the side latent, ``(B,)``; zero without side information.
    """

    x_hat: Tensor
    bits_y: Tensor
    bits_z: Tensor


class Codec(nn.Module):
    """A recipe's parts, joined for training.

    In training mode the quantiser's surrogates stand in for rounding; in evaluation mode values are rounded as coding
    would. On a mean-centred grid rounded values depend on the context's means, step by step: they are found first,
    without gradients, and one teacher-forced pass over them gives the rate. Real bytes come from `freeze` only.
    """

    def __init__(self, recipe: Recipe, parts: Parts) -> None:
        super().__init__()
        self.recipe = recipe
        self.transform = parts.transform
        self.rate = parts.rate
        self.side_information = parts.side_information
        self.context = parts.context
        self.head = parts.head
        self.schedule = parts.schedule
        self.quantizer = parts.quantizer
        self.coder = parts.coder
        self.distortion = parts.distortion
        self._medians_of_y = Medians(parts.head)
        self._medians_of_z = None if parts.side_information is None else Medians(parts.side_information.head)

    @property
    def medians(self) -> list[Medians]:
        """Of the densities that have any, in a fixed order."""
        return [medians for medians in (self._medians_of_y, self._medians_of_z) if medians is not None]

    @property
    def stride(self) -> int:
        """Image sides given to `forward` must be multiples of this."""
        return self.transform.stride

    def forward(self, x: Tensor, quality: Tensor | None = None, noise: Noise | None = None) -> CodecOutput:
        """Reconstruction and estimated rate.

        Args:
            x: ``(B, 3, H, W)`` in [0, 1], sides multiples of `stride`.
            quality: int64 ``(B,)``; the highest level by default.
            noise: where the quantiser's surrogates take their noise from in training; torch's generator by default.
        """
        noise = noise or uniform_noise
        if quality is None:
            quality = torch.full((len(x),), self.rate.levels - 1, device=x.device)
        y = joints.scale(self.rate, joints.analysis(self.transform, x).float(), quality)
        side, bits_z = self._side(y, noise)
        y_hat, bits_y = self._latent(y, side, noise)
        unscaled = joints.unscale(self.rate, y_hat, quality)
        return CodecOutput(joints.synthesis(self.transform, unscaled), bits_y, bits_z)

    def _side(self, y: Tensor, draw: Noise) -> tuple[Tensor | None, Tensor]:
        """Side features and the bits of ``z``."""
        part = self.side_information
        if part is None or self._medians_of_z is None:
            return None, y.new_zeros(len(y))
        z = joints.side_analysis(part, y).float()
        medians = self._medians_of_z.get(self.training)
        if self.training:
            noise = draw(z)
            for_rate, z_hat = z + noise, joints.for_synthesis(self.quantizer, z, noise, medians)
        else:
            for_rate = z_hat = _rounded(z, medians)
        bits = _bits(joints.likelihood(part.head, z.new_zeros(len(z), 0, *z.shape[1:]), for_rate))
        return joints.side_synthesis(part, z_hat, *y.shape[-2:]), bits

    def _latent(self, y: Tensor, side: Tensor | None, draw: Noise) -> tuple[Tensor, Tensor]:
        """Quantised latent (or its surrogate) as the synthesis sees it, and its bits."""
        noise = draw(y)
        seen = self._seen(y, noise, side)
        forced = joints.teacher_forced(self.context, seen, side, self.head.parameters_per_element)
        centre = self._centre(forced.parameters)
        if self.quantizer.grid is Grid.MEAN and self.context.reach == 0:  # the context saw nothing: now y_hat is known
            seen = y_hat = self._quantised(y, noise, centre)
        else:
            y_hat = forced.values
        for_rate = joints.for_rate(self.quantizer, y, noise, centre) if self.training else seen
        likelihood = joints.likelihood(self.head, forced.parameters, for_rate)
        if self.context.unconditional is not None:
            conditional = self._conditional(y)
            learned = joints.likelihood(self.context.unconditional, forced.parameters[:, :0], for_rate)
            likelihood = torch.where(conditional, likelihood, learned)
        return y_hat, _bits(likelihood, forced.weight)

    def _seen(self, y: Tensor, noise: Tensor, side: Tensor | None) -> Tensor:
        """Decoded values as the context sees them."""
        if self.quantizer.grid is not Grid.MEAN:
            return self._quantised(y, noise, self._centre(None))
        if self.training and self.quantizer.surrogate == "noise":
            return y + noise
        if self.context.reach == 0:
            return y
        return y + (self._stepwise(y, side) - y).detach()

    @torch.no_grad()
    def _stepwise(self, y: Tensor, side: Tensor | None) -> Tensor:
        """Values on the mean-centred grid, where the centres of a step follow from the values of the steps before."""
        state = joints.start(self.context, torch.zeros_like(y), side)
        flat, decoded = y.flatten(1), torch.zeros_like(y).flatten(1)
        for step in joints.steps(self.schedule, LatentShape(*y.shape[1:]), self.context.reach):
            elements = torch.from_numpy(step.elements).to(y.device)
            centre = None
            if step.conditional and self.head.mean_index is not None:
                parameters = joints.parameters_at(self.context, state, step, self.head.parameters_per_element)
                centre = parameters[:, self.head.mean_index].to(y.dtype)
            values = _rounded(flat[:, elements], centre)
            decoded[:, elements] = values
            self.context.observe(state, step, values)
        return decoded.view(y.shape)

    def _quantised(self, y: Tensor, noise: Tensor, centre: Tensor | None) -> Tensor:
        if not self.training:
            return _rounded(y, centre)
        return joints.for_synthesis(self.quantizer, y, noise, centre)

    def _centre(self, parameters: Tensor | None) -> Tensor | None:
        """Offset of the grid; on the mean-centred one it is among the head's parameters."""
        if self.quantizer.grid is Grid.MEAN and self.head.mean_index is not None and parameters is not None:
            return parameters[:, self.head.mean_index].float()
        return self._medians_of_y.get(self.training) if self.quantizer.grid is Grid.MEDIAN else None

    def _conditional(self, y: Tensor) -> Tensor:
        """``(C, h, w)``, True for elements that the main head codes."""
        shape = LatentShape(*y.shape[1:])
        mask = torch.zeros(shape.elements, dtype=torch.bool, device=y.device)
        for step in joints.steps(self.schedule, shape, self.context.reach):
            mask[torch.from_numpy(step.elements)] = step.conditional
        return mask.view(y.shape[1:])

    def freeze(self) -> FrozenCodec:
        """The codec for coding: probability networks in exact arithmetic, densities as integer tables."""
        from .frozen import FrozenCodec

        return FrozenCodec.of(self)


def assemble(recipe: Recipe, registry: Registry | None = None) -> Codec:
    """The trainable codec of a recipe, with fresh weights.

    Raises:
        RecipeError: the parts do not fit together.
    """
    return Codec(recipe, build_parts(recipe, registry))


def uniform_noise(like: Tensor) -> Tensor:
    """`Noise` from torch's own generator."""
    return torch.rand_like(like) - 0.5


def _rounded(y: Tensor, centre: Tensor | None) -> Tensor:
    return torch.round(y) if centre is None else torch.round(y - centre) + centre


def _bits(likelihood: Tensor, weight: Tensor | None = None) -> Tensor:
    bits = -likelihood.log2()
    return (bits if weight is None else bits * weight).flatten(1).sum(1)
