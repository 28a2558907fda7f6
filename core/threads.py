"""How many threads work on small pieces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on the calling thread alone.

    For steps of a few hundred microseconds: handing out work and waiting for it then costs more than it saves, and a
    hundred times as much when other programs keep the cores busy. Results of exact arithmetic do not depend on it.
    """
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
