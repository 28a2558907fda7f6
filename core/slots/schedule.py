"""Slot ``schedule``: which element is coded when. Pure geometry, no weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]

FEW_SITES = 32  # up to here, a lattice is not worth looking for


@dataclass(frozen=True)
class LatentShape:
    """Shape of one latent: ``channels`` x ``height`` x ``width``."""

    channels: int
    height: int
    width: int

    @property
    def dimensions(self) -> tuple[int, int, int]:
        """``(C, h, w)``."""
        return self.channels, self.height, self.width

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

    Within a step the coding order is channel by channel, and inside a channel in the order of ``sites``. Orders whose
    steps are not of that shape list single elements instead, and say so by ``site_channels``.

    Attributes:
        shape: shape of the latent that the step is part of.
        sites: flat indices ``i * width + j``, in coding order.
        channels: first channel and one past the last.
        kind: which sub-network applies (colour, scale); 0 where there is only one.
        conditional: False when the elements are coded with the context's unconditional head.
        site_channels: None, or the one channel of each entry of ``sites``: the step then holds just these elements.
    """

    shape: LatentShape
    sites: Indices
    channels: tuple[int, int]
    kind: int = 0
    conditional: bool = True
    site_channels: Indices | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return len(self.sites) * (1 if self.site_channels is not None else self.channels[1] - self.channels[0])

    @cached_property
    def element_channels(self) -> Indices:
        """Channel of each element, in coding order."""
        if self.site_channels is not None:
            return self.site_channels
        return np.repeat(np.arange(*self.channels, dtype=np.int64), len(self.sites))

    @cached_property
    def elements(self) -> Indices:
        """Flat indices into ``(C, h, w)``, in coding order."""
        if self.site_channels is not None:
            return self.site_channels * self.shape.sites + self.sites
        channels = np.arange(*self.channels, dtype=np.int64)
        return (channels[:, None] * self.shape.sites + self.sites[None, :]).reshape(-1)

    @cached_property
    def rows_and_columns(self) -> tuple[Indices, Indices]:
        """Row and column of each entry of ``sites``."""
        return np.divmod(self.sites, self.shape.width)

    @cached_property
    def lattice(self) -> tuple[slice, slice] | None:
        """The rows and columns of the sites where they are a regular lattice, row by row; else, and for few, None."""
        if self.site_channels is not None or len(self.sites) <= FEW_SITES:
            return None
        rows, columns = self.rows_and_columns
        across = int(np.argmax(rows != rows[0])) or len(rows)
        down, right = _evenly_spaced(rows[::across]), _evenly_spaced(columns[:across])
        if _count(down) * _count(right) != len(self.sites):
            return None
        expected = np.arange(down.stop)[down][:, None] * self.shape.width + np.arange(right.stop)[right]
        return (down, right) if np.array_equal(expected.reshape(-1), self.sites) else None

    def pieces(self, sites: int) -> list[Step]:
        """The step cut into steps of at most so many sites, in order; rows of a lattice stay whole where they fit."""
        if len(self.sites) <= sites:
            return [self]
        row = 1 if self.lattice is None else _count(self.lattice[1])
        length = sites // row * row or sites
        cuts = range(0, len(self.sites), length)
        return [replace(self, sites=self.sites[first : first + length]) for first in cuts]


def _evenly_spaced(numbers: Indices) -> slice:
    """From the first number to the last, in steps of the first difference, if that is positive."""
    step = int(numbers[1] - numbers[0]) if len(numbers) > 1 else 1
    return slice(int(numbers[0]), int(numbers[-1]) + 1, max(step, 1))


def _count(numbers: slice) -> int:
    """How many numbers a slice with an end names."""
    return len(range(numbers.stop)[numbers])


class Schedule(ABC):
    """The order in which a latent's elements are coded.

    The steps partition the elements: disjoint and complete. What an element may depend on is everything in the steps
    before its own.

    Attributes:
        order: name of the partial order behind the steps. A context lists the orders that it is built for; the pair
            is refused otherwise.
        needs_reach: True when the steps follow from how far the context looks, so that a context that looks
            everywhere does not fit.
    """

    order: str
    needs_reach: bool = False

    @abstractmethod
    def steps(self, shape: LatentShape, reach: int | None) -> Sequence[Step]:
        """The steps for a latent of ``shape``.

        Args:
            shape: any size from 1x1 up.
            reach: how far, in sites, the context looks in each direction; None when everywhere. It lets an order be
                executed in fewer steps than it has elements: what is out of reach need not be waited for.
        """

    def groups(self, channels: int) -> tuple[tuple[int, int], ...]:
        """Channel ranges (first, one past the last) of which each is complete before the next begins.

        A context with a network per group is built from these. One range of all channels unless the order says
        otherwise.

        Args:
            channels: latent channels ``C``.

        Raises:
            RecipeError: the groups do not add up to ``channels``.
        """
        return ((0, channels),)
