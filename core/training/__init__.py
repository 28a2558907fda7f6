"""Training: from a recipe and a folder of photographs to a checkpoint."""

from .loop import TrainingRun, train

__all__ = ["TrainingRun", "train"]
