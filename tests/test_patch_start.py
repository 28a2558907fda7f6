"""The patch transform's start: the KLT of the pictures it is shown, a few of them in memory at a time."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from plic.plugins.transform.patch import AT_ONCE, PatchTransform

SIDE = 32


def pictures(count: int) -> Iterator[Tensor]:
    """Smooth noise."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(count):
        yield functional.avg_pool2d(torch.rand(3, SIDE + 6, SIDE + 6, generator=generator), 7, 1)


def test_few_pictures_are_held_at_a_time() -> None:
    alive: weakref.WeakSet[Tensor] = weakref.WeakSet()
    most = 0

    def watched() -> Iterator[Tensor]:
        nonlocal most
        for picture in pictures(3 * AT_ONCE):
            alive.add(picture)
            most = max(most, len(alive))
            yield picture

    PatchTransform(channels=8, widths=(12, 16)).start_from(watched())
    assert most <= 2 * AT_ONCE + 1


def test_it_keeps_what_as_many_principal_components_of_blocks_keep() -> None:
    seen = list(pictures(40))
    part = PatchTransform(channels=24, widths=(192, 320))  # all of an 8x8 patch, then 24 numbers of a block of 16x16
    part.start_from(seen)
    with torch.no_grad():
        x = torch.stack(seen)
        error = float((part.synthesis(part.analysis(x)) - x).double().square().mean())
    blocks = functional.unfold(x, 16, stride=16).movedim(1, -1).flatten(0, 1).double()
    energies = torch.linalg.eigvalsh(torch.cov(blocks.T, correction=0)).flip(0)
    best = float(energies[24:].sum()) / blocks.shape[1]
    assert best < error < 1.01 * best
    latent = part.analysis(x).detach()
    assert torch.allclose(latent.mean((0, 2, 3)), torch.zeros(24), atol=1e-3)
    deviation = latent.movedim(1, -1).flatten(0, 2).std(0) * part.step
    assert torch.allclose(deviation.double(), energies[:24].sqrt(), rtol=0.01)
