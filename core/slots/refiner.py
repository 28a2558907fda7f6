"""Slot ``refiner``: the encoder's search for a latent that costs less than what the analysis transform gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Latents:
    """Latents before they are rounded.

    Attributes:
        y: ``(B, C, h, w)``, in units of the quantiser's step.
        z: side latents ``(B, Cz, hz, wz)``, or None without side information.
    """

    y: Tensor
    z: Tensor | None


@dataclass(frozen=True)
class Cost:
    """What one coded picture costs.

    Attributes:
        bits_per_pixel: over the picture's own pixels, without padding.
        distortion: between the picture and the decoded one, both with 8 bits, in the units of the recipe's
            distortion (255^2 times the mean squared error for ``mse``).
        total: ``bits_per_pixel + lambda * distortion``.
    """

    bits_per_pixel: float
    distortion: float
    total: float


@dataclass(frozen=True)
class Assessment:
    """Latents judged.

    Attributes:
        cost: of these very latents, rounded and coded by the frozen codec.
        rounded: the latents on their grid, as the cost sees them, without gradients.
        loss: scalar whose gradient with respect to the latents stands for that of ``cost.total``. It is the gradient
            at the rounded latents, passed straight through the rounding and the clipping of pixels, but for the bits
            of each element itself: their slope is that at the real value, which tells how far it is to cheaper ones.
            The loss's own value means nothing.
    """

    cost: Cost
    rounded: Latents
    loss: Tensor


class Objective(ABC):
    """What a refiner searches with. The codec behind it is frozen; nothing a refiner does changes what decodes."""

    @property
    @abstractmethod
    def exhausted(self) -> bool:
        """Whether the budget of iterations or seconds is spent. The first assessment, of the start, is free."""

    @abstractmethod
    def assess(self, latents: Latents) -> Assessment:
        """Cost of latents of one picture, with a graph back to those of their tensors that require gradients.

        Side latents that require none should stay the same tensor: what follows from them is then computed once.

        Args:
            latents: as those that the search starts from, in shape and type.
        """


class Refiner(ABC):
    """Searches for better latents of one picture before they are coded.

    ::

        picture ── analysis ──> start ──> refine ──> latents ── coding ──> file
                                          │    ^
                                  latents v    │ exact rate, true distortion, gradient
                                         objective

    The result is coded for real, and the unrefined file taken if it costs less, so a refiner cannot do harm. It does
    not enter recipes, weights or streams: keyword-only constructor arguments are its settings.
    """

    @abstractmethod
    def refine(self, start: Latents, objective: Objective) -> Latents:
        """The best latents that were found; ``start`` itself if nothing was better.

        Args:
            start: of one picture, without gradients; not to be changed in place.
            objective: judges latents. Once it is exhausted, nothing more should be assessed.
        """
