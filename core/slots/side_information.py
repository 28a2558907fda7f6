"""Slot ``side_information``: a coarse latent sent first, which tells the context what to expect."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from .head import Head


class SideInformation(nn.Module, ABC):
    """Side information (hyperprior).

    ::

        y (B, C, h, w) ── analysis ──> z (B, Cz, ceil(h / stride), ceil(w / stride))
        side features (B, F, h, w) <── synthesis ── z_hat

    ``z`` is itself coded by the machinery that codes ``y``: one step, the channel-median grid, and the part's own
    ``head``, which takes no parameters. The synthesis lies on the probability path: a frozen codec computes it in
    exact arithmetic, so the children named in ``exact_children`` may hold only layers that
    `plic.core.exact` knows.

    The first constructor argument is the number of latent channels ``C``.

    Attributes:
        stride: latent sites per site of ``z``.
        channels: ``Cz``.
        features: ``F``.
        head: density of ``z``, owning its parameters.
        exact_children: names of the child modules that compute the synthesis.
    """

    stride: int
    channels: int
    features: int
    head: Head
    exact_children: ClassVar[tuple[str, ...]] = ("hyper_synthesis",)

    @abstractmethod
    def analysis(self, y: Tensor) -> Tensor:
        """Side latent ``z`` of a latent."""

    @abstractmethod
    def synthesis(self, z_hat: Tensor, height: int, width: int) -> Tensor:
        """Side features, cropped to the latent's ``height`` and ``width``."""
