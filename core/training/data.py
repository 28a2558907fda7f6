"""Random crops from folders of photographs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..errors import TrainingError
from ..image import read_picture

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}

Pixels = npt.NDArray[np.uint8]


class CropSource:
    """Random square crops, flipped at random, from photographs held in memory.

    Every photograph is equally likely, whatever its size. The order depends on the seed alone.

    Args:
        folders: where photographs are searched, recursively.
        crop: side of a crop in pixels. Smaller photographs are left out.
        seed: of the random order.

    Raises:
        TrainingError: a folder is missing, or no photograph is large enough.
        ImageError: a file that is named like a picture cannot be read as one.
    """

    def __init__(self, folders: Sequence[Path], crop: int, seed: int) -> None:
        self.crop = crop
        self.random = np.random.default_rng(seed)
        photographs = (_load(path) for folder in folders for path in _files(folder))
        self.photographs = [pixels for pixels in photographs if min(pixels.shape[:2]) >= crop]
        if not self.photographs:
            raise TrainingError(
                "there is nothing to train on",
                got=f"no photograph of at least {crop}x{crop} pixels in {', '.join(map(str, folders))}",
                expected=f"files ending in {', '.join(sorted(SUFFIXES))}",
                hint="give another folder with --data, or a smaller training.crop",
            )

    def __iter__(self) -> Iterator[Tensor]:
        """Endless crops ``(3, crop, crop)``, float32 in [0, 1]."""
        while True:
            yield torch.from_numpy(self._draw().transpose(2, 0, 1).copy()).float() / 255

    def batch(self, size: int) -> Tensor:
        """The next ``size`` crops, ``(size, 3, crop, crop)``."""
        crops = iter(self)
        return torch.stack([next(crops) for _ in range(size)])

    def _draw(self) -> Pixels:
        pixels = self.photographs[self.random.integers(len(self.photographs))]
        top = self.random.integers(pixels.shape[0] - self.crop + 1)
        left = self.random.integers(pixels.shape[1] - self.crop + 1)
        crop = pixels[top : top + self.crop, left : left + self.crop]
        if self.random.integers(2):
            crop = crop[:, ::-1]
        if self.random.integers(2):
            crop = crop[::-1]
        return crop.transpose(1, 0, 2) if self.random.integers(2) else crop


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise TrainingError(f"there is no folder {folder}", hint="give a folder of photographs with --data")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _load(path: Path) -> Pixels:
    return read_picture(path).pixels
