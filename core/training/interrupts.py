"""Ctrl-C and termination: finish the step, save, then go."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether somebody wants the run to end."""

    def __init__(self) -> None:
        self.wanted = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.wanted:  # the second time there is no waiting
            raise KeyboardInterrupt
        self.wanted = True


@contextmanager
def deferred_interrupts() -> Iterator[Interrupt]:
    """Note the first interrupt or termination signal instead of breaking off; the second one breaks off.

    Outside the main thread, where Python allows no handlers, signals do what they did before.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, interrupt._handle) for number in signals]
    try:
        yield interrupt
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
