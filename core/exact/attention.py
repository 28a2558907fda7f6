"""Softmax attention in exact arithmetic.

Every sum is one of integers that stays below 2^53, so its order does not matter:

- queries and keys keep as many bits after the point as lets their inner products be exact (12, as activations have,
  for up to 128 features);
- ``exp(score - largest score)`` comes from a table of integers;
- the weighted sum of values is formed from their upper and lower halves where one sum could become too large;
- one IEEE division by the sum of the weights, and the result is rounded to the grid.

What comes between the sums are single IEEE operations on single elements, which round alike everywhere.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..errors import ExactnessError
from ..layers.attention import PAIRS_AT_ONCE, SoftmaxAttention, in_chunks
from .grid import GRID, LIMIT, MANTISSA
from .straight import straight_through

WEIGHT = 2.0**18  # of the best key
SCORE_STEPS = 2**10  # per unit of the score: half a step changes a weight by 1/2048
HALF = 2.0**12  # values are split into multiples of this and the rest
FEWEST_BITS = 6  # after the point of queries and keys
MOST_KEYS = int(MANTISSA / (WEIGHT * HALF))


class ExactSoftmaxAttention(nn.Module):
    """`plic.core.layers.SoftmaxAttention` in exact arithmetic.

    Attributes:
        table: int32, weight of a key by how far its score lies below the best, in units of ``1 / SCORE_STEPS``; ends
            with zero. Made when a codec is frozen and stored with its weights, because exponentials differ between
            machines.
        pairs_at_once: bounds the memory, see `in_chunks`.
    """

    table: Tensor

    def __init__(self, layer: SoftmaxAttention, name: str) -> None:
        super().__init__()
        if not (math.isfinite(layer.scale) and layer.scale > 0):
            raise ExactnessError(f"layer {name} has a scale that is not supported", got=layer.scale, expected="> 0")
        self.scale, self.name = layer.scale, name
        self.pairs_at_once = PAIRS_AT_ONCE
        length = math.ceil(math.log(2 * WEIGHT) * SCORE_STEPS) + 2
        distances = torch.arange(length, dtype=torch.float64) / SCORE_STEPS
        self.register_buffer("table", torch.round(torch.exp(-distances) * WEIGHT).to(torch.int32))
        self._weights: Tensor | None = None

    def forward(self, query: Tensor, key: Tensor, value: Tensor, visible: Tensor | None = None) -> Tensor:
        """As `SoftmaxAttention.forward`; the result is on the activation grid.

        Raises:
            ExactnessError: more features or keys than sums in a double can hold.
        """
        with torch.no_grad():
            exact = self._exact(query.detach(), key.detach(), value.detach(), visible)
        smooth = SoftmaxAttention(self.scale)
        return straight_through(exact, lambda *x: smooth(*(a.double() for a in x), visible), query, key, value)

    def _exact(self, query: Tensor, key: Tensor, value: Tensor, visible: Tensor | None) -> Tensor:
        features, keys = key.shape[1:]
        if keys > MOST_KEYS:
            raise self._refused("keys", keys, MOST_KEYS)
        if not keys:
            return query.new_zeros(len(query), value.shape[1], query.shape[2], dtype=torch.float64)
        bits = self._bits_after_point(features)
        query, key = _rounded(query, bits), _rounded(key, bits)
        integers = value.double().clamp(-LIMIT, LIMIT).mul_(GRID).round_().transpose(1, 2)  # (B, m, v)
        if WEIGHT * LIMIT * GRID * keys < MANTISSA:
            parts = integers.contiguous()
        else:
            upper = torch.floor(integers / HALF)
            parts = torch.cat((integers - upper * HALF, upper), 2)  # (B, m, 2 v)

        def attend(queries: Tensor, seen: Tensor | None) -> Tensor:
            weights = self._weights_of(queries.transpose(1, 2) @ key, seen)  # (B, c, m)
            total = weights @ parts
            if parts.shape[2] > value.shape[1]:
                lower, upper = total.chunk(2, 2)
                total = upper * HALF + lower
            mean = total / weights.sum(2, keepdim=True).clamp_(min=1)
            return mean.round_().mul_(1 / GRID).transpose(1, 2)

        return in_chunks(attend, query, visible, keys, self.pairs_at_once)

    def _weights_of(self, scores: Tensor, seen: Tensor | None) -> Tensor:
        """Integer weights, as doubles; zero for what is not seen."""
        if self._weights is None or self._weights.device != scores.device:
            self._weights = self.table.double()
        if seen is not None:
            scores.masked_fill_(~seen, -math.inf)
        best = scores.amax(2, keepdim=True)
        best.masked_fill_(best == -math.inf, 0)
        distance = torch.sub(best, scores, out=scores).mul_(self.scale * SCORE_STEPS).round_()
        return torch.take(self._weights, distance.clamp_(max=len(self._weights) - 1).long())

    def _bits_after_point(self, features: int) -> int:
        """As many as let an inner product of ``features`` terms be exact, 12 at most."""
        bits = math.floor((math.log2(MANTISSA / features) - 2 * math.log2(LIMIT + 1 / GRID)) / 2)
        if bits < FEWEST_BITS:
            raise self._refused("features", features, int(MANTISSA / (LIMIT * 2**FEWEST_BITS) ** 2))
        return min(bits, int(math.log2(GRID)))

    def _refused(self, what: str, got: int, most: int) -> ExactnessError:
        return ExactnessError(
            f"layer {self.name} has sums that a double cannot hold exactly",
            got=f"{got} {what}",
            expected=f"at most {most}",
            hint="code a smaller picture, or attend to fewer sites",
        )


def _rounded(x: Tensor, bits: int) -> Tensor:
    """On the grid ``2^-bits``, clamped."""
    return x.double().clamp(-LIMIT, LIMIT).mul_(2.0**bits).round_().mul_(2.0**-bits)
