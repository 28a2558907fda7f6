"""What the C library does with memory that is given back."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LARGEST_MMAP_THRESHOLD = 32 << 20  # glibc takes no larger one on 64-bit machines
KEPT = (1 << 31) - 1


def keep_freed_memory() -> bool:
    """Let this process keep freed memory for its next tensors, instead of handing it to the system and asking again.

    Layers of a network free and allocate a few megabytes each; with glibc's own thresholds the system takes and clears
    those pages anew every time. For programs only: it concerns the whole process and cannot be undone.

    Returns:
        Whether the C library could be told.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    told = [mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD), mallopt(M_TRIM_THRESHOLD, KEPT)]
    return all(told)
