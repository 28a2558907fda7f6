"""Predicting a site from whatever looked alike before."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...core.layers import SoftmaxAttention

QUERIES_AT_ONCE = 1024  # bounds the memory of large pictures


@dataclass
class Embedded:
    """What describes each site, ``(B, features, h * w)``: as the one that looks, and as one that is looked at."""

    query: Tensor
    key: Tensor


class GlobalPrediction(nn.Module):
    """Mean of the values at all sites before in raster order, weighted by how alike their surroundings are.

    ::

        prediction(i) = sum_(j < i) softmax_j(<q(i), k(j)> / sqrt(d)) value(j)

    ``q`` and ``k`` embed the k x k patch of a guide that is known everywhere. For the very first site there is nothing
    to look at, and the prediction is learned.

    Args:
        guide: channels of the guide.
        values: channels of what is predicted.
        embedding: features ``d`` of queries and keys.
        kernel: size of the patches, odd.
    """

    def __init__(self, guide: int, values: int, embedding: int, kernel: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(guide, embedding, kernel, padding=kernel // 2)
        self.key = nn.Conv2d(guide, embedding, kernel, padding=kernel // 2)
        self.attention = SoftmaxAttention(scale=embedding**-0.5)
        self.nowhere = nn.Conv2d(1, values, 1, bias=False)

    def embed(self, guide: Tensor) -> Embedded:
        """What describes each site of a guide ``(B, C, h, w)``."""
        return Embedded(self.query(guide).flatten(2), self.key(guide).flatten(2))

    def forward(self, embedded: Embedded, values: Tensor) -> Tensor:
        """Predictions at all sites from ``values``, both ``(B, V, h * w)``."""
        count = values.shape[2]
        pieces = [
            self.at(embedded, values, torch.arange(first, min(first + QUERIES_AT_ONCE, count), device=values.device))
            for first in range(0, count, QUERIES_AT_ONCE)
        ]
        return torch.cat(pieces, 2)

    def at(self, embedded: Embedded, values: Tensor, sites: Tensor) -> Tensor:
        """Predictions ``(B, V, n)`` at ``n`` consecutive sites; only the values before each matter.

        In exact arithmetic they are those of `forward`, bit for bit.
        """
        last = int(sites[-1])
        visible = None if len(sites) == 1 else torch.arange(last, device=sites.device) < sites[:, None]
        query, key = embedded.query[:, :, sites], embedded.key[:, :, :last]
        predicted: Tensor = self.attention(query, key, values[:, :, :last].to(key.dtype), visible)
        nothing = (sites == 0).to(predicted.dtype).view(1, 1, -1, 1)
        learned: Tensor = self.nowhere(nothing).squeeze(-1)
        return predicted + learned
