"""Training: from a recipe and folders of photographs to weights.

    folders ── Photographs ── Draw.cut ──> crops ── TrainingRun.step ──> weights ── freeze ──> weights.safetensors
               uint8, on the device                     │ sums stay on the device
                                                        └── means, every 50 steps ──> log.jsonl, progress bar

`train` carries it out: models one after the other, checkpoints, limits on time, interrupts, several processes.
"""

from .listeners import ChosenCallback, callbacks_named
from .loop import train
from .options import Options
from .photographs import Photographs
from .progress import Progress
from .run import TrainingRun
from .world import World

__all__ = [
    "ChosenCallback",
    "Options",
    "Photographs",
    "Progress",
    "TrainingRun",
    "World",
    "callbacks_named",
    "train",
]
