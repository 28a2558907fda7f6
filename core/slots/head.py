"""Slot ``head``: the distribution family of the entropy model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

if TYPE_CHECKING:
    from ..probability import IntegerDistribution, Support


class Distributions(Protocol):
    """A frozen head: turns parameters on the exact grid into integer distributions."""

    def __call__(
        self, parameters: npt.NDArray[np.float64], channels: npt.NDArray[np.int64], support: Support
    ) -> IntegerDistribution:
        """Distributions of ``n`` symbols.

        Args:
            parameters: ``(P, n)``, multiples of 2^-12. On a mean-centred grid the centre has been subtracted.
            channels: ``(n,)``, the latent channel of each element, for heads that own parameters.
            support: window of symbols; a head with tables of its own ignores it.
        """
        ...


class Head(nn.Module, ABC):
    """Distribution of one element, given its parameters.

    Parameters travel as ``(B, P, ...)``: one plane per named parameter, never packed into channels.

    The first constructor argument is the number of latent channels ``C``, for heads that own parameters.

    Attributes:
        layout: names of the ``P`` parameters, in order. Empty for a head that needs none.
        mean_index: index in ``layout`` of the one location parameter; None when there is none or more than one,
            and the mean-centred grid is then refused.
    """

    layout: tuple[str, ...]
    mean_index: int | None = None

    @property
    def parameters_per_element(self) -> int:
        """``P``."""
        return len(self.layout)

    @abstractmethod
    def likelihood(self, parameters: Tensor, values: Tensor) -> Tensor:
        """Probability mass of the unit interval around each value, for training.

        Args:
            parameters: ``(B, P, C, h, w)``; ``P`` may be 0.
            values: ``(B, C, h, w)``.

        Returns:
            ``(B, C, h, w)``, at least the likelihood floor.
        """

    @abstractmethod
    def freeze(self) -> Distributions:
        """The head for coding. A head that owns parameters returns an ``nn.Module`` whose buffers hold its tables.

        Distributions of a family that does not come with plic need it among the `plic.core.layers.Families` that this
        head keeps as an attribute, and that the module it returns, if it returns one, keeps too.
        """

    def start_from(self, frozen: nn.Module) -> None:
        """Begin training near a frozen density; heads whose parameters cannot be read from a weights file need it.

        Args:
            frozen: what `freeze` made of a trained head of any kind.
        """
        return

    def offsets(self) -> Tensor | None:
        """Per-channel offsets ``(C,)`` of the channel-median grid; None for a head without medians."""
        return None
