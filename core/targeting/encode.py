"""The quality that meets a target for one picture, found by really encoding it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..container.stream import QUALITY_STEPS, quality_text
from ..errors import PlicError
from ..evaluation import psnr as psnr_of
from ..image import Picture, read_picture
from .search import Probe, find_crossing

if TYPE_CHECKING:
    from ..frozen import FrozenCodec, Source


@dataclass(frozen=True)
class Target:
    """What a file must keep to; one of the two is given.

    Attributes:
        bpp: bits per pixel of the whole file, at most.
        psnr: of the decoded picture against the original in dB, both RGB with 8 bits, at least.

    Raises:
        PlicError: both or none are given, or it is no positive number.
    """

    bpp: float | None = None
    psnr: float | None = None

    def __post_init__(self) -> None:
        if (self.bpp is None) == (self.psnr is None):
            raise PlicError(
                "a target is one figure",
                got="none" if self.bpp is None else f"{self.bpp:g} bpp and {self.psnr:g} dB",
                expected="bits per pixel or PSNR",
                hint="give one of the two",
            )
        if not 0 < self.goal < math.inf:  # nor is NaN
            raise PlicError("a target is a positive number", got=self.goal, hint="give another figure")

    @property
    def goal(self) -> float:
        """The figure itself."""
        return next(one for one in (self.bpp, self.psnr) if one is not None)

    def met_by(self, bpp: float, psnr: float | None) -> bool:
        """Whether a file of these figures keeps to it; ``psnr`` is not looked at for a target in bits per pixel."""
        return bpp <= self.goal if self.bpp is not None else psnr is not None and psnr >= self.goal

    def probe(self, index: int, trial: Trial) -> Probe:
        """A trial as the search sees it: the logarithm of the rate, and the PSNR, are nearly straight in quality."""
        met = self.met_by(trial.bpp, trial.psnr)
        if trial.psnr is None:
            return Probe(index, math.log(trial.bpp / self.goal), not met)
        return Probe(index, trial.psnr - self.goal, met)

    def text(self, trial: Trial) -> str:
        """The trial's figure of the kind that is aimed at."""
        return f"{trial.bpp:.4f} bpp" if trial.psnr is None else f"{trial.psnr:.3f} dB"


@dataclass(frozen=True)
class Trial:
    """A picture encoded at one quality.

    Attributes:
        data: the ``.plic`` file.
        quality: level, or a point between two.
        bpp: bits per pixel of the whole file.
        psnr: of the decoded picture in dB, infinite if it is the original; None if it was not asked for.
    """

    data: bytes
    quality: float
    bpp: float
    psnr: float | None


@dataclass(frozen=True)
class Targeted(Trial):
    """The file that keeps to a target, and how many were encoded to find it.

    Attributes:
        encodes: number of qualities that were tried.
    """

    encodes: int


def encode_to_target(
    codec: FrozenCodec,
    image: Source,
    *,
    bpp: float | None = None,
    psnr: float | None = None,
    coder: str | None = None,
    name: str = "this picture",
) -> Targeted:
    """One picture as a ``.plic`` stream of the quality that meets a target, to 1/256 of a level.

    For ``bpp`` that is the highest quality whose file is no larger, for ``psnr`` the lowest that reaches it. Pictures
    whose figures do not rise everywhere with the quality may have better ones elsewhere; that the file keeps to the
    target is certain, for it is encoded, and for ``psnr`` decoded.

    Args:
        codec: frozen, with several qualities.
        image: any mode and size.
        bpp: bits per pixel of the whole file, header, alpha and ICC profile included, at most.
        psnr: of the decoded picture in dB, over the RGB pixels with 8 bits, at least.
        coder: id of another entropy coder than the recipe's.
        name: of the picture, for messages.

    Raises:
        PlicError: not just one target is given, no quality meets it, or the codec has one quality only.
    """
    target = Target(bpp, psnr)
    if codec.networks.rate.levels == 1:
        raise PlicError(
            f"recipe {codec.recipe.name!r} has one quality, so there is nothing to search",
            got=f"rate {codec.recipe.rate.id!r}",
            expected="a rate part with several levels",
            hint="take weights with several qualities, or train with a rate part that has them",
        )
    trials = _Trials(codec, image if isinstance(image, Picture) else read_picture(image), target, coder)
    find_crossing(trials.probe, trials.last)
    best = trials.best()
    if best is None:
        raise trials.refusal(name)
    return best


class _Trials:
    """Encodes one picture at the qualities it is asked for, and remembers what came out."""

    def __init__(self, codec: FrozenCodec, picture: Picture, target: Target, coder: str | None) -> None:
        rate = codec.networks.rate
        self._steps = QUALITY_STEPS if rate.interpolates else 1  # from one level to the next
        self.last = (rate.levels - 1) * self._steps
        self._codec, self._picture, self._target, self._coder = codec, picture, target, coder
        self._transformed = codec.transformed([picture])
        self._made: list[Trial] = []

    def probe(self, index: int) -> Probe:
        """Encode at one of the qualities, counted from the lowest."""
        codec, picture, quality = self._codec, self._picture, self._codec.level(index / self._steps)
        latents = codec.latents_at(self._transformed, quality)
        data = codec.encode_latents([picture], latents, quality=quality, coder=self._coder)[0].data
        trial = assessed(codec, picture, data, quality, self._target)
        self._made.append(trial)
        return self._target.probe(index, trial)

    def best(self) -> Targeted | None:
        """The best of what was tried among those that meet the target, if there are any."""
        met = [one for one in self._made if self._target.met_by(one.bpp, one.psnr)]
        if not met:
            return None
        choose = max if self._target.bpp is not None else min
        best = choose(met, key=lambda one: one.quality)
        return Targeted(best.data, best.quality, best.bpp, best.psnr, len(self._made))

    def refusal(self, name: str) -> PlicError:
        """Says what can be reached."""
        by_rate = self._target.bpp is not None
        made = self._made
        nearest = min(made, key=lambda one: one.bpp) if by_rate else max(made, key=lambda one: one.psnr or 0.0)
        reached = f"{self._target.text(nearest)}, at quality {quality_text(nearest.quality)}"
        return PlicError(
            f"no quality of recipe {self._codec.recipe.name!r} meets the target for {name}",
            got=f"{self._target.goal:g} {'bpp' if by_rate else 'dB'}",
            expected=f"at {'least' if by_rate else 'most'} {reached}",
            hint=f"ask for {'more bits' if by_rate else 'less'}, or take other weights",
        )


def assessed(codec: FrozenCodec, picture: Picture, data: bytes, quality: float, target: Target) -> Trial:
    """A stream's figures; it is decoded only for a target that needs it.

    Args:
        codec: that made it.
        picture: the original.
        data: the ``.plic`` file.
        quality: that it was made with.
        target: says what is asked.
    """
    bpp = 8 * len(data) / (picture.width * picture.height)
    reached = psnr_of(picture.pixels, codec.decode_picture(data).pixels) if target.psnr is not None else None
    return Trial(data, quality, bpp, reached)
