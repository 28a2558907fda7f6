"""Several processes that train one model: who takes part, and what each computes."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ..codec import Noise, uniform_noise
from ..errors import TrainingError


@dataclass(frozen=True)
class World:
    """The processes of a run, and which of them this is.

    Attributes:
        device: where this process computes.
        rank: of this process; the first one writes files and reports.
        size: number of processes.
    """

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def spread(self, model: nn.Module, unused: bool) -> nn.Module:
        """The model, with gradients averaged over the processes.

        Args:
            model: as it is for one process.
            unused: whether a step may leave parameters without a gradient.
        """
        if self.size == 1:
            return model
        devices = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(model, device_ids=devices, find_unused_parameters=unused)

    def noise(self) -> Noise:
        """Noise as one process with the joint batch would draw it: each takes its part of it."""
        if self.size == 1:
            return uniform_noise

        def draw(like: Tensor) -> Tensor:
            joint = torch.rand(self.size * len(like), *like.shape[1:], dtype=like.dtype, device=like.device)
            return joint[self.rank * len(like) : (self.rank + 1) * len(like)] - 0.5

        return draw

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes, on each of them."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values


@contextmanager
def joined(device: str) -> Iterator[World]:
    """The processes that ``torchrun`` started, or this one alone.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; with several processes on GPUs each takes its own.

    Raises:
        TrainingError: there is no such device.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World(_device(device))
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    chosen = _device(device)
    if chosen.type == "cuda":
        chosen = _device(f"cuda:{local}")
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield World(chosen, distributed.get_rank(), distributed.get_world_size())
        gc.collect()  # models spread over the processes must go before the group: afterwards they may wait for ever
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise TrainingError(
            f"cannot train on the device {name!r}",
            got=str(error).splitlines()[0],
            expected="auto, cpu, cuda or cuda:N",
            hint="leave --device out to take a GPU if there is one, and the CPU otherwise",
        ) from error
    return device
