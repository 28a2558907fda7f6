"""Run under torchrun by test_training_distributed: each process saves the gradients of its first step."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from test_training_distributed import gradients

from plic.core.training.world import joined

if __name__ == "__main__":
    names, photographs, folder = sys.argv[1].split(","), Path(sys.argv[2]), Path(sys.argv[3])
    with joined("cpu") as world:
        for name in names:
            torch.save(gradients(name, photographs, folder, world), folder / f"{name}-{world.rank}.pt")
