"""Slot ``transform``: between the image and its latent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from torch import Tensor, nn


class Transform(nn.Module, ABC):
    """Analysis and synthesis transform.

    ::

        x (B, 3, H, W) in [0, 1] ── analysis ──> y (B, C, h, w)
        x_hat (B, 3, H, W)      <── synthesis ── y_hat (B, C, h, w)

    ``H`` and ``W`` are multiples of ``stride`` (the codec pads), ``h = H / stride``. ``x_hat`` is not clipped.
    Neither direction needs to be exact: an error of one unit in the last place changes a pixel by far less than a
    grey level and never touches the stream.

    Attributes:
        stride: image pixels per latent site, in each direction.
        latent_channels: ``C``.
        margin: how many latent sites around a site its latent and its pixels depend on, in both directions; an upper
            bound will do. Pictures larger than a tile are then transformed piece by piece. None, the default, when
            the whole image matters (non-local attention) or nothing is known.
    """

    stride: int
    latent_channels: int
    margin: int | None = None

    @abstractmethod
    def analysis(self, x: Tensor) -> Tensor:
        """Latent ``y`` of an image."""

    @abstractmethod
    def synthesis(self, y_hat: Tensor) -> Tensor:
        """Image of a (quantised) latent."""

    def start_from(self, images: Iterable[Tensor]) -> None:
        """Set a data-driven start before training. The default does nothing.

        Args:
            images: training crops ``(3, H, W)`` in [0, 1]; may be consumed only in part.
        """
        return
