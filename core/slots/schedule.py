"""Slot ``schedule``: which element is coded when. Pure geometry, no weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LatentShape:
    """Shape of one latent: ``channels`` x ``height`` x ``width``."""

    channels: int
    height: int
    width: int

    @property
    def sites(self) -> int:
        """Number of sites ``(i, j)``."""
        return self.height * self.width

    @property
    def elements(self) -> int:
        """Number of elements ``(c, i, j)``."""
        return self.channels * self.sites


@dataclass(frozen=True, eq=False)
class Step:
    """Elements that are coded together: every channel of ``channels`` at every site of ``sites``.

    Within a step the coding order is channel by channel, and inside a channel in the order of ``sites``.

    Attributes:
        shape: shape of the latent that the step is part of.
        sites: flat indices ``i * width + j``, in coding order.
        channels: first channel and one past the last.
        kind: which sub-network applies (group, colour, scale); 0 where there is only one.
        conditional: False when the elements are coded with the context's unconditional head.
    """

    shape: LatentShape
    sites: Indices
    channels: tuple[int, int]
    kind: int = 0
    conditional: bool = True

    @property
    def size(self) -> int:
        """Number of elements."""
        return len(self.sites) * (self.channels[1] - self.channels[0])

    @cached_property
    def elements(self) -> Indices:
        """Flat indices into ``(C, h, w)``, in coding order."""
        channels = np.arange(*self.channels, dtype=np.int64)
        return (channels[:, None] * self.shape.sites + self.sites[None, :]).reshape(-1)


class Schedule(ABC):
    """The order in which a latent's elements are coded.

    The steps partition the elements: disjoint and complete. What an element may depend on is everything in the steps
    before its own.

    Attributes:
        order: name of the partial order behind the steps. A context lists the orders that it is built for; the pair
            is refused otherwise.
    """

    order: str

    @abstractmethod
    def steps(self, shape: LatentShape, reach: int) -> Sequence[Step]:
        """The steps for a latent of ``shape``.

        Args:
            shape: any size from 1x1 up.
            reach: how far, in sites, the context looks in each direction. It lets an order be executed in fewer
                steps than it has elements: what is out of reach need not be waited for.
        """
