"""Causal context with global prediction: what its second group sees, and that pieces of the computation agree."""

from __future__ import annotations

import pytest
import torch
from small import small_frozen
from torch import Tensor

from plic.core.errors import IncompatibleParts
from plic.core.slots import ContextWiring
from plic.plugins.context import global_prediction
from plic.plugins.context.causal_global import CausalGlobal
from plic.plugins.context.global_prediction import GlobalPrediction
from plic.plugins.schedule.two_groups_raster import TwoGroupsRaster

HALF = 4


def inputs(height: int = 6, width: int = 7) -> tuple[Tensor, Tensor]:
    """A latent and side features, on the exact grid."""
    generator = torch.Generator().manual_seed(3)
    part = small_frozen("guo2021").networks.side_information
    assert part is not None
    side = torch.randint(-(2**12), 2**12, (1, part.features, height, width), generator=generator).double() / 2**12
    return torch.randint(-4, 5, (1, 2 * HALF, height, width), generator=generator).double(), side


def influence(group: int, row: int, column: int, site: tuple[int, int]) -> bool:
    """Whether an element of a group matters to the parameters of group 2 at a site."""
    model = small_frozen("guo2021").entropy_model.y
    values, side = inputs()
    changed = values.clone()
    changed[:, HALF * group : HALF * (group + 1), row, column] += 50
    before, after = (model.context.parameters_all(x, side)[:, :, HALF:, site[0], site[1]] for x in (values, changed))
    return not torch.equal(before, after)


def test_group_2_sees_everything_before_and_group_1_around() -> None:
    assert influence(1, 0, 0, (5, 6))  # far away
    assert influence(1, 5, 5, (5, 6))
    assert not influence(1, 5, 6, (5, 6))
    assert not influence(1, 4, 5, (4, 4))
    assert influence(0, 3, 3, (1, 1))  # later, but of group 1
    assert influence(0, 1, 0, (5, 6))  # as a key


@torch.no_grad()
def test_the_prediction_copies_what_looks_alike() -> None:
    torch.manual_seed(5)
    prediction = GlobalPrediction(guide=4, values=3, embedding=8, kernel=5)
    prediction.key = prediction.query
    prediction.attention.scale = 100.0
    guide, values = 3 * torch.randn(1, 4, 5, 5), torch.randn(1, 3, 5, 5)
    embedded = prediction.embed(torch.cat((guide, guide), 3))
    predicted = prediction(embedded, torch.cat((values, values), 3).flatten(2)).view(1, 3, 5, 10)
    torch.testing.assert_close(predicted[:, :, 2, 7], values[:, :, 2, 2])  # where the patch lies in the second copy


@torch.no_grad()
def test_where_nothing_is_known_the_prediction_is_learned() -> None:
    prediction = GlobalPrediction(guide=4, values=3, embedding=8, kernel=3)
    predicted = prediction(prediction.embed(torch.randn(1, 4, 2, 2)), torch.randn(1, 3, 4))
    torch.testing.assert_close(predicted[0, :, 0], prediction.nowhere.weight.flatten())


@pytest.mark.parametrize("at_once", [1, 5])
def test_some_sites_at_a_time_give_the_same_bits(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_frozen("guo2021").entropy_model.y
    values, side = inputs()
    whole = model.context.parameters_all(values, side)
    monkeypatch.setattr(global_prediction, "QUERIES_AT_ONCE", at_once)
    assert torch.equal(model.context.parameters_all(values, side), whole)


def test_one_channel_cannot_be_split() -> None:
    with pytest.raises(IncompatibleParts, match="1 channels in 1 group"):
        CausalGlobal(ContextWiring(1, 8, TwoGroupsRaster(), 2))
