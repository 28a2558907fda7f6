"""Attention whose memory is bounded, however many sites there are."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

PAIRS_AT_ONCE = 2**22
"""Pairs of query and key that are looked at together: some 32 MB for each intermediate result in doubles."""


class SoftmaxAttention(nn.Module):
    """Softmax attention of every query to the keys that it may see.

    ::

        out(i) = sum_j w(i, j) value(j) / sum_j w(i, j),    w(i, j) = visible(i, j) exp(scale <query(i), key(j)>)

    A query that sees nothing gets zeros. Each query's result is a function of that query and of the keys and values
    that it sees, so queries may be asked one at a time and invisible keys be left out.

    Args:
        scale: factor of the inner products.
    """

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, query: Tensor, key: Tensor, value: Tensor, visible: Tensor | None = None) -> Tensor:
        """What the queries gather.

        Args:
            query: ``(B, d, n)``.
            key: ``(B, d, m)``.
            value: ``(B, v, m)``.
            visible: ``(n, m)``, True for the keys that a query sees; None when it sees all.

        Returns:
            ``(B, v, n)``.
        """
        if not key.shape[2]:
            return query.new_zeros(len(query), value.shape[1], query.shape[2])
        keys, values = (x.transpose(1, 2).unsqueeze(1) for x in (key, value))  # (B, 1, m, d or v)

        def attend(queries: Tensor, seen: Tensor | None) -> Tensor:
            rows, mask = queries.transpose(1, 2).unsqueeze(1), None  # (B, 1, c, d)
            if seen is not None:
                some = seen.any(1, keepdim=True)
                mask = seen | ~some  # a softmax over nothing is not a number
            gathered = functional.scaled_dot_product_attention(rows, keys, values, mask, scale=self.scale)
            if seen is not None:
                gathered = gathered * some
            return gathered.squeeze(1).transpose(1, 2)

        return in_chunks(attend, query, visible, key.shape[2])


def in_chunks(
    attend: Callable[[Tensor, Tensor | None], Tensor],
    query: Tensor,
    visible: Tensor | None,
    keys: int,
    pairs_at_once: int = PAIRS_AT_ONCE,
) -> Tensor:
    """The results of ``attend``, computed for so many queries at a time that memory stays bounded.

    Args:
        attend: from queries ``(B, d, c)`` and their rows of ``visible`` to ``(B, v, c)``.
        query: ``(B, d, n)``.
        visible: ``(n, keys)`` or None.
        keys: number of keys.
        pairs_at_once: bound on ``B * c * keys``.
    """
    queries = query.shape[2]
    chunk = max(1, pairs_at_once // max(1, len(query) * keys))
    if queries <= chunk:
        return attend(query, visible)
    return torch.cat(
        [
            attend(query[:, :, first : first + chunk], None if visible is None else visible[first : first + chunk])
            for first in range(0, queries, chunk)
        ],
        2,
    )
