"""How many threads compute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch compute with so many threads, and with as many as before afterwards."""
    before = torch.get_num_threads()
    if before == count:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on the calling thread alone.

    For steps of a few hundred microseconds: handing out work and waiting for it then costs more than it saves, and a
    hundred times as much when other programs keep the cores busy. Results of exact arithmetic do not depend on it.
    """
    with threads(1):
        yield
