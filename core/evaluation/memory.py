"""The most memory that a process held for a while."""

from __future__ import annotations

from pathlib import Path

from ..memory import hand_back_freed_memory

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # proc(5): the peak becomes what is resident now


class PeakMemory:
    """Peak of the resident memory of this process within a ``with`` block.

    Everything counts that the process holds: Python, libraries, weights. It is what a machine must have, and unlike a
    difference it does not depend on what the allocator kept from the picture before. Linux tells; elsewhere, and where
    a sandbox forbids to reset the peak, it is unknown.

    Attributes:
        bytes: the peak, once the block has been left; None where it is unknown.
    """

    bytes: int | None = None

    def __enter__(self) -> PeakMemory:
        hand_back_freed_memory()  # of the picture before
        try:
            CLEAR.write_text(RESET_PEAK)
            self._known = True
        except OSError:
            self._known = False
        return self

    def __exit__(self, *_: object) -> None:
        self.bytes = _peak() if self._known else None


def _peak() -> int | None:
    try:
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError):
        pass
    return None
