"""Encoding with refined latents: coded for real, and never worse than without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .. import joints
from ..errors import PlicError
from ..image import Picture, read_picture
from ..registry import default_registry
from ..slots import Cost, Distortion, Latents, Refiner
from ..stages import StageTimes
from .objective import Budget, Lagrangian, Progress

if TYPE_CHECKING:
    from ..frozen import Encoded, FrozenCodec, Source


@dataclass(frozen=True)
class Refinement:
    """A picture coded with refined latents.

    Attributes:
        encoded: the ``.plic`` file and its bits; that without refining if nothing better was found.
        before: cost of the file without refining, header and all.
        after: cost of the file; at most ``before.total``.
        iterations: assessments that were made, the first one not counted.
        seconds: that the search took.
    """

    encoded: Encoded
    before: Cost
    after: Cost
    iterations: int
    seconds: float

    @property
    def data(self) -> bytes:
        """The ``.plic`` file."""
        return self.encoded.data


def encode_refined(
    codec: FrozenCodec,
    image: Source,
    refiner: Refiner | str,
    *,
    quality: float | None = None,
    multiplier: float | None = None,
    coder: str | None = None,
    budget: Budget | None = None,
    times: StageTimes | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Refinement:
    """One picture as a ``.plic`` stream, after a search for better latents. Any decoder of the codec decodes it.

    Args:
        codec: frozen; it is not changed.
        image: any mode and size.
        refiner: a part of the slot ``refiner``, or the id of one, which then has its default settings.
        quality: level, or a point between two; by default the codec's own.
        multiplier: lambda; by default the one that this quality was trained with, see `multiplier_of`.
        coder: id of another entropy coder than the recipe's.
        budget: limits of the search.
        times: if given, seconds are added to it; those of what merely compares are not.
        report: called with its progress.

    Raises:
        PlicError: there is no such quality or part, or lambda is not known.
    """
    level = codec.level(quality)
    picture = image if isinstance(image, Picture) else read_picture(image)
    refiner = _refiner(refiner)
    objective = Lagrangian(
        codec,
        picture,
        level,
        multiplier_of(codec, level) if multiplier is None else multiplier,
        distortion_of(codec),
        codec.coder_named(coder).precision,
        budget or Budget(),
        report,
    )
    times = times or StageTimes()
    start = _free(codec.analyse([picture], quality=level, times=times))

    def coded(latents: Latents, times: StageTimes) -> tuple[Cost, Encoded]:
        one = codec.encode_latents([picture], latents, quality=level, coder=coder, times=times, count_bits=True)[0]
        bits_per_pixel = 8 * len(one.data) / (picture.width * picture.height)
        return objective.cost(bits_per_pixel, codec.decode_picture(one.data)), one

    before, plain = coded(start, StageTimes())
    with times.measure("refining"):
        better = _free(joints.refined(refiner, start, objective))
    after, encoded = coded(better, times)
    if not after.total < before.total:
        after, encoded = before, plain
    return Refinement(encoded, before, after, max(objective.iteration, 0), objective.seconds)


def multiplier_of(codec: FrozenCodec, level: float) -> float:
    """Lambda that a quality was trained with, as the recipe in the weights states it.

    Between two levels it is interpolated geometrically, as lambdas are spaced.

    Raises:
        PlicError: the recipe states several, and nothing tells which of them these weights were trained with.
    """
    lambdas = codec.recipe.training.lambdas
    if codec.networks.rate.levels > 1:
        low, share = int(level), level - int(level)
        return lambdas[low] ** (1 - share) * lambdas[low + 1] ** share if share else lambdas[low]
    if len(lambdas) == 1:
        return lambdas[0]
    raise PlicError(
        f"the weights of recipe {codec.recipe.name!r} do not say which lambda they were trained with",
        got=f"training.lambdas {', '.join(f'{one:g}' for one in lambdas)}",
        expected="one lambda",
        hint="give it: --lambda X",
    )


def distortion_of(codec: FrozenCodec) -> Distortion:
    """The distortion that the recipe was trained with."""
    choice = codec.recipe.distortion
    distortion: Distortion = default_registry().part("distortion", choice.id)(**choice.settings)
    return distortion


def _refiner(refiner: Refiner | str) -> Refiner:
    if isinstance(refiner, Refiner):
        return refiner
    part: Refiner = default_registry().part("refiner", refiner)()
    return part


def _free(latents: Latents) -> Latents:
    """Ordinary tensors without gradients."""

    def free(x: Tensor) -> Tensor:
        with torch.inference_mode(False):
            return x.detach().clone()

    return Latents(free(latents.y), None if latents.z is None else free(latents.z))
