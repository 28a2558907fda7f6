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
    grey level and never touches the stream. ``y``, times the gains of the rate part, is rounded to a lattice with steps
    of one: the scale of ``y`` is how finely it is quantised.

    A transform need not be trained: it may have no parameters. Training calls both directions for gradients, maybe
    under ``torch.autocast``; what needs more digits than bfloat16 has leaves that by
    ``torch.autocast(..., enabled=False)``. Parameters are stored in half precision, buffers as they are, and both enter
    the fingerprint of the weights. Tensors that follow from the settings therefore are buffers with
    ``persistent=False``.

    Attributes:
        stride: image pixels per latent site, in each direction.
        latent_channels: ``C``.
        margin: how many latent sites around a site its latent and its pixels depend on, in both directions; an upper
            bound will do. Pictures larger than a tile are then transformed piece by piece. None, the default, when
            the whole image matters (non-local attention, or borders that continue at the opposite ones) or nothing is
            known. At the borders of a picture, mirroring or padding keeps the margin.
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
