"""A step's elements among the planes of a latent: by slices where its sites form a lattice, else by indices."""

from __future__ import annotations

import torch
from torch import Tensor

from .schedule import Step


def take(planes: Tensor, step: Step) -> Tensor:
    """The step's elements of ``planes (..., C, h, w)``: ``(..., n)`` in coding order, perhaps a view."""
    if step.lattice is None:
        return planes.flatten(-3).index_select(-1, torch.from_numpy(step.elements).to(planes.device))
    return planes[(..., slice(*step.channels), *step.lattice)].flatten(-3)


def put(planes: Tensor, step: Step, values: Tensor) -> None:
    """Make ``values (B, n)``, in coding order, the step's elements of ``planes (B, C, h, w)``."""
    values = values.to(planes.dtype)
    if step.lattice is not None:
        window = planes[(..., slice(*step.channels), *step.lattice)]
        window.copy_(values.reshape(window.shape))
    elif step.site_channels is not None:
        planes[:, torch.from_numpy(step.site_channels), *_indices(step)] = values
    else:
        first, last = step.channels
        planes[:, first:last, *_indices(step)] = values.reshape(len(values), last - first, -1)


def at_sites(features: Tensor, step: Step) -> Tensor:
    """Features ``(B, F, h, w)`` at the step's sites: ``(B, F, n)``, perhaps a view."""
    if step.lattice is None:
        return features[:, :, *_indices(step)]
    return features[(..., *step.lattice)].flatten(2)


def _indices(step: Step) -> tuple[Tensor, Tensor]:
    rows, columns = step.rows_and_columns
    return torch.from_numpy(rows), torch.from_numpy(columns)
