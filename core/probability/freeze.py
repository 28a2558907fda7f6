"""From network outputs to the integers of a mixture. Exact: the outputs lie on the grid 2^-12 already.

raw means  --locations-->             int32, grid steps
raw scales --scale_levels-->          int16, level of the table of scales
raw logits --weights_from_logits-->   int32, summing to 2^16
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..errors import PlicError
from .tables import EXPONENTIALS, SCALE_LEVELS, SCALE_THRESHOLDS

MAX_COMPONENTS = 128


def locations(raw: NDArray[np.float64]) -> NDArray[np.int32]:
    """Locations in grid steps of 2^-12, of the same shape.

    Args:
        raw: in units of the latent. Off the grid it is rounded, ties to even; beyond 2^18 it is clamped.
    """
    from . import freeze_kernels

    flat = _doubles(raw)
    out = np.empty(flat.size, dtype=np.int32)
    freeze_kernels.to_grid(flat.reshape(-1), out)
    return out.reshape(flat.shape)


def scale_levels(raw: NDArray[np.float64], floor: float = 0.0) -> NDArray[np.int16]:
    """Levels of the table of scales (0 to 448: sigma from 1/32 to 512), of the same shape.

    Args:
        raw: scales on the grid, in units of the latent. The level's sigma is the nearest in ratio.
        floor: smaller scales count as this one, for instance the bound used in training.
    """
    from . import freeze_kernels

    flat = _doubles(raw)
    out = np.empty(flat.size, dtype=np.int16)
    first, bases = _buckets()
    freeze_kernels.to_levels(flat.reshape(-1), float(floor), SCALE_THRESHOLDS, bases, first, out)
    return out.reshape(flat.shape)


def weights_from_logits(logits: NDArray[np.float64]) -> NDArray[np.int32]:
    """Integer softmax over the first axis: ``int32[K, n]``, none negative, summing to exactly 2^16.

    Args:
        logits: ``float64[K, n]`` on the grid, K from 1 to 128. Components 11 or so below the largest weigh nothing.

    Raises:
        PlicError: the shape is another.
    """
    from . import freeze_kernels

    logits = _doubles(logits)
    if logits.ndim != 2 or not 1 <= logits.shape[0] <= MAX_COMPONENTS:
        raise PlicError(
            "logits have the wrong shape", got=list(logits.shape), expected=f"[K, n], K from 1 to {MAX_COMPONENTS}"
        )
    out = np.empty(logits.shape, dtype=np.int32)
    freeze_kernels.to_weights(logits, EXPONENTIALS, out)
    return out


def combine_weights(family_weights: NDArray[np.int32], within_weights: NDArray[np.int32]) -> NDArray[np.int32]:
    """Weights of two levels multiplied: ``int32[F * M, n]``, family by family, summing to exactly 2^16.

    Args:
        family_weights: ``int32[F, n]``, summing to 2^16 over F.
        within_weights: ``int32[F, M, n]``, summing to 2^16 over M.

    Raises:
        PlicError: the shapes do not fit.
    """
    from . import freeze_kernels

    outer = np.require(family_weights, np.int32, ["C", "W", "A"])
    inner = np.require(within_weights, np.int32, ["C", "W", "A"])
    if outer.ndim != 2 or inner.ndim != 3 or (inner.shape[0], inner.shape[2]) != outer.shape:
        raise PlicError(
            "the two levels of weights do not fit",
            got=f"{list(outer.shape)} and {list(inner.shape)}",
            expected="[F, n] and [F, M, n]",
        )
    out = np.empty((inner.shape[0] * inner.shape[1], inner.shape[2]), dtype=np.int32)
    freeze_kernels.to_products(outer, inner, out)
    return out


def _doubles(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.require(raw, np.float64, ["C", "W", "A"])


@lru_cache(maxsize=1)
def _buckets() -> tuple[int, NDArray[np.int64]]:
    """Thresholds not above the start of each bucket of doubles (a 64th of an octave), and the first bucket's number."""
    from .freeze_kernels import BUCKET_SHIFT

    ends = SCALE_THRESHOLDS[[0, -1]].astype(np.float64).view(np.int64) >> BUCKET_SHIFT
    keys = np.arange(ends[0], ends[1] + 1, dtype=np.int64)
    starts = (keys << BUCKET_SHIFT).view(np.float64)
    bases = np.searchsorted(SCALE_THRESHOLDS, starts, side="right").astype(np.int64)
    if bases.max() >= SCALE_LEVELS:
        raise PlicError("the table of scales is damaged", hint="reinstall plic")
    return int(ends[0]), bases
