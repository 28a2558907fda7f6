"""Medians of densities in training."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .slots import Head

MEDIAN_REFRESH = 100  # training passes between two looks at the medians


@dataclass(frozen=True)
class MediansState:
    """What `Medians` remembers between two looks."""

    medians: Tensor | None
    passes: int


class Medians:
    """Medians of a head's densities, looked at from time to time while these are trained: it takes a bisection."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._medians: Tensor | None = None
        self._passes = 0

    @property
    def state(self) -> MediansState:
        """For checkpoints: a run that is resumed must not look at other times than one that goes through."""
        return MediansState(self._medians, self._passes)

    @state.setter
    def state(self, state: MediansState) -> None:
        self._medians, self._passes = state.medians, state.passes

    def get(self, training: bool) -> Tensor | None:
        """``(C, 1, 1)``; None for a head without medians."""
        if self._medians is None or not training or self._passes % MEDIAN_REFRESH == 0:
            offsets = self._head.offsets()
            self._medians = None if offsets is None else offsets.float()[:, None, None]
        self._passes += training
        return self._medians
