"""What single parts promise beyond the contracts of their slots, which test_conformance.py checks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from plic.core.probability import Support
from plic.plugins.head.factorized import Factorized
from plic.plugins.head.gllmm import Gllmm


def test_factorized_tables_match_the_learned_density() -> None:
    torch.manual_seed(7)
    head = Factorized(3)
    for bias in head.biases:
        bias.data.uniform_(-1, 1)
    frozen = head.freeze()
    symbols = torch.arange(-8, 9)
    values = head.offsets().float()[:, None] + symbols
    mass = head.likelihood(None, values[None, :, None, :])[0, :, 0].detach().numpy()
    for channel in range(3):
        distribution = frozen(np.empty((0, 17)), np.full(17, channel), Support(0, 0))
        assert np.allclose(2.0 ** -distribution.bits(symbols.numpy().astype(np.int32)), mass[channel], atol=1e-4)


def test_quantile_bisection_finds_the_median() -> None:
    head = Factorized(4)
    logits = head.logits(head.offsets()[:, None, None])
    assert float(logits.detach().abs().max()) < 1e-2


def test_gllmm_takes_thirty_parameters_in_the_published_order() -> None:
    layout = Gllmm(1).layout
    assert len(layout) == 30
    assert layout[:4] == ("weight.0", "mean.0", "scale.0", "weight.1")
    assert layout[-3:] == ("family.gaussian", "family.laplacian", "family.logistic")
    assert all(a != b for a, b in pairwise(layout))
