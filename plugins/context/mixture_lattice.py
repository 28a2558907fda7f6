"""One scale of the multi-scale order, as the context ``mixture-cnn`` sees it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...core.slots import Step


@dataclass
class Lattice:
    """The sites whose coordinates are multiples of ``2^scale``, and what is known of them.

    Tensors are replaced, never written to: a graph of gradients may hold earlier ones.

    Attributes:
        scale: which lattice.
        values: decoded values ``(B, C, h_s, w_s)``, to be looked at where known. May be a view of a canvas that fills.
        side: side features there, ``(B, F, h_s, w_s)``, or None.
        known: ``(1, 1 or C, h_s, w_s)``, True where an element is decoded.
        mixture: ``values`` where known, the latest predictions elsewhere.
    """

    scale: int
    values: Tensor
    side: Tensor | None
    known: Tensor
    mixture: Tensor

    @classmethod
    def of(cls, values: Tensor, side: Tensor | None, scale: int, mask_channels: int) -> Lattice:
        """The lattice before its first step: the coarser one is known, its nearest neighbours stand in for the rest.

        Args:
            values: of the whole latent, ``(B, C, h, w)``.
            side: of the whole latent.
            scale: which lattice.
            mask_channels: ``C`` when channels of a site become known at different steps, otherwise 1.
        """
        unit = 2**scale
        values = values[:, :, ::unit, ::unit]
        height, width = values.shape[2:]
        nearest = values[:, :, ::2, ::2].repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, :height, :width]
        known = torch.zeros(1, mask_channels, height, width, dtype=torch.bool, device=values.device)
        known[:, :, ::2, ::2] = True
        return cls(scale, values, None if side is None else side[:, :, ::unit, ::unit], known, nearest)

    def sites(self, step: Step) -> tuple[Tensor, Tensor]:
        """Rows and columns of the step's sites on this lattice."""
        rows, columns = step.rows_and_columns
        unit = 2**self.scale
        return torch.from_numpy(rows // unit), torch.from_numpy(columns // unit)

    def at(self, planes: Tensor, step: Step) -> Tensor:
        """The step's elements ``(B, P, n)``, in coding order, of planes ``(B, P, C, h_s, w_s)``."""
        rows, columns = self.sites(step)
        return planes[:, :, slice(*step.channels), rows, columns].flatten(2)

    def know(self, *steps: Step) -> None:
        """Take the elements of ``steps`` as known; what is predicted stays."""
        self.known = self.known.clone()
        for step in steps:
            channels = slice(*step.channels) if self.known.shape[1] > 1 else slice(1)
            self.known[:, channels, *self.sites(step)] = True
        self.mixture = torch.where(self.known, self.values, self.mixture)

    def learn(self, step: Step, predicted: Tensor) -> None:
        """Take the elements of ``step`` as known, and ``predicted`` for those still unknown."""
        self.mixture = predicted
        self.know(step)
