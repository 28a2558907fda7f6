"""Photographs, decoded once and kept where training computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..errors import TrainingError
from ..image import find_pictures, read_picture

Pixels = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]


class Photographs:
    """The photographs of some folders, one after the other in one tensor, so that a batch of crops is one gather.

    Attributes:
        pixels: uint8 ``(N, 3)``, all pixels of all photographs, row by row.
        starts: where each photograph begins in ``pixels``.
        heights: in pixels.
        widths: in pixels.
    """

    def __init__(self, pixels: Sequence[Pixels], device: torch.device) -> None:
        self.heights = np.array([one.shape[0] for one in pixels], dtype=np.int64)
        self.widths = np.array([one.shape[1] for one in pixels], dtype=np.int64)
        ends = np.cumsum(self.heights * self.widths)
        self.starts = np.concatenate(([0], ends[:-1]))
        self.pixels = torch.empty(int(ends[-1]), 3, dtype=torch.uint8, device=device)
        for one, start, end in zip(pixels, self.starts, ends, strict=True):
            self.pixels[start:end] = torch.from_numpy(np.ascontiguousarray(one)).view(-1, 3)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def shorter_sides(self) -> Numbers:
        """Of each photograph, in pixels."""
        sides: Numbers = np.minimum(self.heights, self.widths)
        return sides

    @classmethod
    def of(
        cls,
        folders: Sequence[Path],
        smallest: int,
        device: torch.device,
        report: Callable[[int, int], None] = lambda done, total: None,
    ) -> Photographs:
        """Read the photographs of some folders, by threads.

        Args:
            folders: searched recursively.
            smallest: photographs with a side below this are left out, in pixels.
            device: where the pixels are kept.
            report: called with the numbers of photographs that are read, and that there are.

        Raises:
            PlicError: a folder is missing or holds no pictures, or no photograph is large enough.
            ImageError: a file that is named like a picture cannot be read as one.
        """
        paths = [path for folder in folders for path in find_pictures(folder)]
        found = []
        with ThreadPoolExecutor() as pool:
            for done, pixels in enumerate(pool.map(_load, paths), 1):
                if min(pixels.shape[:2]) >= smallest:
                    found.append(pixels)
                report(done, len(paths))
        if not found:
            raise TrainingError(
                "there is nothing to train on",
                got=f"no photograph of at least {smallest}x{smallest} pixels in {', '.join(map(str, folders))}",
                hint="give another folder with --data, or smaller crops (training.crop, training.curriculum)",
            )
        return cls(found, device)

    def gather(self, start: Tensor, row: Tensor, column: Tensor, side: int) -> Tensor:
        """Square crops, cut where the pixels are.

        Args:
            start: int64 ``(B,)``, place of each crop's first pixel in `pixels`.
            row: int64 ``(B,)``, distance from one row of the crop to the next.
            column: int64 ``(B,)``, distance from one column to the next. With signs, and with row and column
                exchanged, these two turn and mirror a crop at no cost.
            side: of the crops, in pixels.

        Returns:
            float32 ``(B, 3, side, side)`` in [0, 1]; on a GPU, channels are last in memory.
        """
        along = torch.arange(side, device=self.pixels.device)
        places = start[:, None, None] + along[:, None] * row[:, None, None] + along * column[:, None, None]
        crops = self.pixels[places].permute(0, 3, 1, 2).float() / 255
        # on CPUs, torch 2.13.0 writes outside its memory in the backward pass of some layers fed with channels last
        return crops if crops.is_cuda else crops.contiguous()


def _load(path: Path) -> Pixels:
    return read_picture(path).pixels
