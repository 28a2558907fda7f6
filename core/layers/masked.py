"""Convolutions of which some taps are dead, over sites and over volumes, and what their live taps see."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

Indices = npt.NDArray[np.int64]


class MaskedConv2d(nn.Conv2d):
    """Stride-1 convolution with "same" padding whose taps are partly dead.

    Args:
        inputs: input features.
        outputs: output features.
        mask: ``(k, k)``, True for live taps.
    """

    mask: Tensor

    def __init__(self, inputs: int, outputs: int, mask: Tensor) -> None:
        kernel = mask.shape[-1]
        super().__init__(inputs, outputs, kernel, padding=kernel // 2)
        self.register_buffer("mask", mask.bool().to(self.weight.device), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)

    def every_second(self, x: Tensor, row: int, column: int) -> Tensor:
        """Outputs at every second site in both directions, from ``row`` and ``column`` on, each 0 or 1."""
        padded = functional.pad(x, (len(self.mask) // 2,) * 4)[:, :, row:, column:]
        return functional.conv2d(padded, self.weight * self.mask, self.bias, stride=2)

    def at(self, columns: Tensor) -> Tensor:
        """Outputs at single sites.

        Args:
            columns: ``(B, live taps * inputs, n)``, the live taps' inputs at ``n`` sites, inputs fastest; taps row by
                row.

        Returns:
            ``(B, outputs, n)``.
        """
        result = live_rows(self.weight, self.mask) @ columns
        return result if self.bias is None else result + self.bias[:, None]

    def at_sites(self, padded: Tensor, rows: Indices, columns: Indices) -> Tensor:
        """Outputs ``(B, outputs, n)`` at the sites in these rows and columns; ``padded`` as `live_windows` takes it."""
        return self.at(live_windows(padded, self.mask, rows, columns))


class MaskedConv3d(nn.Conv3d):
    """As `MaskedConv2d`, over a volume ``(B, inputs, D, h, w)``.

    Attributes:
        planes: those of the mask from the first to the last that holds a live tap.

    Args:
        inputs: input features.
        outputs: output features.
        mask: ``(k, k, k)``, True for live taps.
    """

    mask: Tensor

    def __init__(self, inputs: int, outputs: int, mask: Tensor) -> None:
        kernel = mask.shape[-1]
        super().__init__(inputs, outputs, kernel, padding=kernel // 2)
        self.register_buffer("mask", mask.bool().to(self.weight.device), persistent=False)
        live = mask.flatten(1).any(1).nonzero().flatten().tolist() or [0]
        self.planes = slice(live[0], live[-1] + 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.valid(functional.pad(x, (len(self.mask) // 2,) * 6))

    def valid(self, padded: Tensor) -> Tensor:
        """The convolution of values that bring their margin: ``(B, inputs, D + k - 1, h + k - 1, w + k - 1)``."""
        weight = (self.weight * self.mask)[:, :, self.planes].flatten(1, 2)
        return convolve_planes(padded, len(self.mask), self.planes, lambda x: functional.conv2d(x, weight, self.bias))

    def at(self, columns: Tensor) -> Tensor:
        """Outputs at single elements, as `MaskedConv2d.at`; taps in the order of the mask's axes."""
        result = self.weight[:, :, self.mask].flatten(1) @ columns
        return result if self.bias is None else result + self.bias[:, None]


def convolve_planes(padded: Tensor, kernel: int, planes: slice, convolve: Callable[[Tensor], Tensor]) -> Tensor:
    """A convolution over a volume as one over planes: the planes in its reach become input features.

    Args:
        padded: values with their margin, ``(B, C, D + k - 1, h + k - 1, w + k - 1)``.
        kernel: ``k``.
        planes: which ``p`` of the kernel's planes are used.
        convolve: from ``(B D, C p, h + k - 1, w + k - 1)`` to ``(B D, outputs, h, w)``; more than twice as fast as
            torch's own convolutions over volumes.

    Returns:
        ``(B, outputs, D, h, w)``.
    """
    windows = padded.unfold(2, kernel, 1)[..., planes]  # (B, C, D, H, W, p)
    folded = windows.permute(0, 2, 1, 5, 3, 4).flatten(2, 3)  # (B, D, C p, H, W)
    convolved = convolve(folded.flatten(0, 1))
    return convolved.view(*folded.shape[:2], *convolved.shape[1:]).transpose(1, 2)


def live_windows(padded: Tensor, mask: Tensor, rows: Indices, columns: Indices) -> Tensor:
    """What the live taps of a masked convolution see at single sites.

    Args:
        padded: ``(B, C, h + 2 r, w + 2 r)``, values with a margin of the mask's radius ``r``; rows that no live tap
            reads may be left out at the bottom. Read fastest with channels last, as `with_margin` stores them.
        mask: ``(2 r + 1, 2 r + 1)``, True for live taps.
        rows: of the ``n`` sites, in values without margin.
        columns: of the sites.

    Returns:
        ``(B, live taps * C, n)``, as `MaskedConv2d.at` takes it.
    """
    taps = mask.nonzero().numpy()  # (taps, 2)
    stride = padded.shape[-1]
    index = (rows * stride + columns)[:, None] + (taps @ np.array([stride, 1]))[None, :]  # (n, taps)
    sites = padded.permute(0, 2, 3, 1).flatten(1, 2)  # (B, h' w', C)
    seen = sites.index_select(1, torch.from_numpy(index.reshape(-1)).to(padded.device))
    return seen.view(len(padded), len(rows), -1).transpose(1, 2)


def live_rows(weight: Tensor, mask: Tensor) -> Tensor:
    """The live taps of a masked convolution's ``weight (O, I, k, k)`` as ``(O, live taps * I)``, inputs fastest."""
    return weight[:, :, mask].transpose(1, 2).flatten(1)


def with_margin(values: Tensor, reach: int, below: bool = True) -> tuple[Tensor, Tensor]:
    """Values with a margin of zeros, and the same values within it, where changes appear in both.

    Args:
        values: ``(B, C, h, w)``.
        reach: width of the margin.
        below: whether there is one below the last row.

    Returns:
        ``(B, C, h + 2 reach, w + 2 reach)`` with channels last in memory, and a view ``(B, C, h, w)`` of it.
    """
    padded = functional.pad(values, (reach, reach, reach, reach if below else 0))
    padded = padded.contiguous(memory_format=torch.channels_last)
    height, width = values.shape[2:]
    return padded, padded[:, :, reach : reach + height, reach : reach + width]


def live_offsets(padded: Tensor, mask: Tensor) -> Indices:
    """Where the live taps of a masked convolution over a volume lie in its flattened values, ``(live taps,)``.

    Args:
        padded: ``(B, C, D', h', w')``, values with their margin.
        mask: ``(2 r + 1, 2 r + 1, 2 r + 1)``, True for live taps.
    """
    offsets: Indices = mask.nonzero().numpy() @ np.array([padded.shape[3] * padded.shape[4], padded.shape[4], 1])
    return offsets


def live_volumes(padded: Tensor, offsets: Indices, elements: tuple[Indices, Indices, Indices]) -> Tensor:
    """What the live taps of a masked convolution over a volume see at single elements.

    Args:
        padded: ``(B, C, D + 2 r, h + 2 r, w + 2 r)``, values with a margin of the mask's radius ``r``; what no live tap
            reads may be left out at the end of the first axis.
        offsets: `live_offsets` of ``padded``; the same for all elements, hence to be computed once.
        elements: depths, rows and columns of the ``n`` elements, in values without margin.

    Returns:
        ``(B, C * live taps, n)``, as `MaskedConv3d.at` takes it.
    """
    depths, rows, columns = elements
    index = offsets[:, None] + ((depths * padded.shape[3] + rows) * padded.shape[4] + columns)[None, :]  # (taps, n)
    return padded.flatten(2)[:, :, torch.from_numpy(index)].flatten(1, 2)


def causal_mask(kernel: int, dimensions: int = 2) -> Tensor:
    """``(kernel, kernel)`` or more dimensions, True for taps before the centre in raster order ("type A")."""
    taps = kernel**dimensions
    mask: Tensor = torch.arange(taps, device="cpu") < taps // 2
    return mask.view((kernel,) * dimensions)


def checkerboard_mask(kernel: int) -> Tensor:
    """``(kernel, kernel)``, True for taps of the other colour than the centre."""
    index = torch.arange(kernel) - kernel // 2
    return (index[:, None] + index[None, :]) % 2 != 0
