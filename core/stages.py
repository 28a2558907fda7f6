"""Where the time goes: seconds by stage of coding."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class StageTimes:
    """Wall-clock seconds by stage, summed over calls.

    Attributes:
        transform: analysis or synthesis transform and rate scaling.
        probability: side information, context and fusion networks, in exact arithmetic.
        coder: integer distributions, entropy coder, container.
        image: reading, padding and conversion of pixels.
        refining: the search for better latents, if there is one.
    """

    transform: float = 0.0
    probability: float = 0.0
    coder: float = 0.0
    image: float = 0.0
    refining: float = 0.0

    @property
    def total(self) -> float:
        """All stages together."""
        return self.transform + self.probability + self.coder + self.image + self.refining

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            setattr(self, stage, getattr(self, stage) + time.perf_counter() - started)
