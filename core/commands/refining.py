"""What the options ``--refine ...`` of several commands amount to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .bars import PARTS, Bar

if TYPE_CHECKING:
    from pathlib import Path

    from ..frozen import Encoded, FrozenCodec
    from ..image import Picture
    from ..refining import Progress, Refinement
    from ..stages import StageTimes


@dataclass(frozen=True)
class RefineOptions:
    """How latents are refined before they are coded.

    Attributes:
        refiner: id of a part.
        iterations: at most so many for each picture; None for the default, or for no limit where ``seconds`` is one.
        seconds: at most so long for each picture; None for no limit.
        multiplier: lambda; None for the one that the weights were trained with.
    """

    refiner: str
    iterations: int | None = None
    seconds: float | None = None
    multiplier: float | None = None

    def encode(
        self,
        codec: FrozenCodec,
        picture: Picture,
        *,
        quality: float | None = None,
        coder: str | None = None,
        times: StageTimes | None = None,
        report: Callable[[Progress], None] | None = None,
    ) -> Refinement:
        """As `plic.core.refining.encode_refined`, with these options."""
        from ..refining import Budget, encode_refined

        no_limit = self.iterations is None and self.seconds is None
        return encode_refined(
            codec,
            picture,
            self.refiner,
            quality=quality,
            multiplier=self.multiplier,
            coder=coder,
            budget=Budget() if no_limit else Budget(self.iterations, self.seconds),
            times=times,
            report=report,
        )

    def encoded(self, codec: FrozenCodec, picture: Picture, quality: float | None, times: StageTimes) -> Encoded:
        """As `plic.core.evaluation.measure` asks for it."""
        return self.encode(codec, picture, quality=quality, times=times).encoded


class RefiningDisplay:
    """Shows the search for better latents: a bar for each file, on a terminal only."""

    def __init__(self) -> None:
        self._bar = Bar()

    def tick(self, source: Path, progress: Progress) -> None:
        """An iteration is done."""
        label = f"{source.name}, cost {progress.best:.4f}, iteration {progress.iteration}"
        self._bar.advance(label, round(PARTS * progress.share), PARTS)
        self._bar.relabel(label)

    def close(self) -> None:
        """End the line of the current file."""
        self._bar.close()
