"""One level of a wavelet transform along one axis, as convolutions of torch: differentiable, on any device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .bank import Bank, Taps, support

Span = tuple[int, int]
"""First and last, both counted."""


class Filtering(nn.Module):
    """Splits signals of even length into a low and a high half, and joins these without loss.

    Args:
        bank: the filters.
    """

    analysis_kernels: Tensor  # (2, K): correlated with the signal
    synthesis_kernels: Tensor  # (2, L)

    def __init__(self, bank: Bank) -> None:
        super().__init__()
        self.bank = bank
        self.start, kernels = _windows(bank)
        self.reach = kernels.shape[1]
        # Both follow from the name of the wavelet, so they are no part of the weights.
        self.register_buffer("analysis_kernels", torch.tensor(kernels, dtype=torch.float32), persistent=False)
        self.register_buffer("synthesis_kernels", torch.tensor(bank.synthesis, dtype=torch.float32), persistent=False)

    def split(self, x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        """Low and high half of ``x`` ``(B, C, H, W)`` along ``axis`` 2 or 3, whose size is even."""
        size, channels = x.shape[axis], x.shape[1]
        places = torch.arange(self.start, self.start + size - 2 + self.reach, device=x.device)
        longer = x.index_select(axis, self._inside(places, size))
        kernels = _along(self.analysis_kernels, axis).repeat(channels, 1, 1, 1)
        halves = functional.conv2d(longer, kernels, stride=_stride(axis), groups=channels)
        return halves[:, ::2], halves[:, 1::2]

    def join(self, low: Tensor, high: Tensor, axis: int) -> Tensor:
        """The signal of which `split` gives ``low`` and ``high``."""
        bank, size, channels = self.bank, 2 * low.shape[axis], low.shape[1]
        first = -((bank.shift + 1) // 2)  # number of the first coefficient that sample 0 depends on
        last = (size + bank.length - 3 - bank.shift) // 2
        numbers = torch.arange(first, last + 1, device=low.device)
        longer = torch.stack([self._beyond(half, band, numbers, axis) for band, half in enumerate((low, high))], 2)
        kernels = _along(self.synthesis_kernels, axis).repeat(channels, 1, 1, 1)
        signal = functional.conv_transpose2d(longer.flatten(1, 2), kernels, stride=_stride(axis), groups=channels)
        return signal.narrow(axis, bank.length - 2 - bank.shift - 2 * first, size)

    def _inside(self, places: Tensor, size: int) -> Tensor:
        """Samples that stand for those at ``places``, which may lie beyond a border."""
        if not self.bank.folds:
            return places % size
        return _folded(2 * places, size, self.bank.half)[0] // 2

    def _beyond(self, half: Tensor, band: int, numbers: Tensor, axis: int) -> Tensor:
        """Coefficients of the given ``numbers``, which may lie beyond a border."""
        bank, kept = self.bank, half.shape[axis]
        if not bank.folds:
            return half.index_select(axis, numbers % kept)
        offset = 2 + 2 * bank.shift - bank.twice_centres[band]
        places, beyond = _folded(4 * numbers + offset, 2 * kept, bank.half)
        chosen = half.index_select(axis, (places - offset) // 4 - bank.first[band])
        if not (bank.half and band == 1):
            return chosen
        signs = 1 - 2 * beyond.to(chosen.dtype)
        return chosen * (signs[:, None] if axis == 2 else signs)

    def analysis_span(self, span: Span) -> Span:
        """Samples that the coefficients kept as ``span`` depend on, away from borders."""
        return 2 * span[0] + self.start, 2 * span[1] + self.start + self.reach - 1

    def synthesis_span(self, span: Span) -> Span:
        """Coefficients, as they are numbered when kept, that the samples ``span`` depend on, away from borders."""
        bank, ends = self.bank, []
        for taps, first in zip(bank.synthesis, bank.first, strict=True):
            start, end = support(taps)
            lift = bank.length - 2 - bank.shift
            ends.append((-((end - lift - span[0]) // 2) - first, (span[1] + lift - start) // 2 - first))
        return min(low for low, _ in ends), max(high for _, high in ends)


def _windows(bank: Bank) -> tuple[int, Taps]:
    """Where the window of coefficient 0 begins, and both filters in that window, to be correlated with a signal."""
    spans = []
    for taps, first in zip(bank.analysis, bank.first, strict=True):
        start, end = support(taps)
        last = 2 * first + 1 + bank.shift  # the sample that tap 0 meets
        spans.append((last - end, taps[start : end + 1][::-1]))
    begin = min(place for place, _ in spans)
    kernels = np.zeros((2, max(place + len(taps) for place, taps in spans) - begin))
    for row, (place, taps) in zip(kernels, spans, strict=True):
        row[place - begin : place - begin + len(taps)] = taps
    return begin, kernels


def _folded(twice: Tensor, size: int, half: bool) -> tuple[Tensor, Tensor]:
    """Places, times two, brought between the mirrors of a signal of ``size``, and which were beyond."""
    edge = int(half)  # mirrors stand at -1/2 and size - 1/2, or at 0 and size - 1
    length = 2 * size if half else 2 * (size - 1)
    around = (twice + edge) % (2 * length)
    beyond = around > length
    return torch.where(beyond, 2 * length - around, around) - edge, beyond


def _along(kernels: Tensor, axis: int) -> Tensor:
    """Kernels ``(2, L)`` as those of a convolution along ``axis``: ``(2, 1, L, 1)`` or ``(2, 1, 1, L)``."""
    return kernels[:, None, :, None] if axis == 2 else kernels[:, None, None, :]


def _stride(axis: int) -> tuple[int, int]:
    return (2, 1) if axis == 2 else (1, 2)
