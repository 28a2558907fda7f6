"""What the C library does with memory that is given back."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LARGEST_MMAP_THRESHOLD = 32 << 20  # glibc takes no larger one on 64-bit machines
KEPT = (1 << 31) - 1


def hand_back_freed_memory() -> None:
    """Let the C library hand freed memory to the system now, so that what the process holds is what it uses."""
    if (trim := _function("malloc_trim")) is not None:
        trim(0)


def keep_freed_memory() -> bool:
    """Let this process keep freed memory for its next tensors, instead of handing it to the system and asking again.

    Layers of a network free and allocate a few megabytes each; with glibc's own thresholds the system takes and clears
    those pages anew every time. For programs only: it concerns the whole process and cannot be undone.

    Returns:
        Whether the C library could be told.
    """
    mallopt = _function("mallopt")
    if mallopt is None:
        return False
    told = [mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD), mallopt(M_TRIM_THRESHOLD, KEPT)]
    return all(told)


def _function(name: str) -> Callable[..., int] | None:
    """Of glibc; None where there is another C library."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        function: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return None
    return function
