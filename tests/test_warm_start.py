"""Training that begins with frozen weights begins where they stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small import SMALL, enlivened, photograph

from plic.core.api import build, load
from plic.core.codec import Codec
from plic.core.errors import TrainingError
from plic.core.exact.weights import scaled_back
from plic.core.training.warm_start import load_start


def trained(name: str, path: Path) -> Codec:
    codec = enlivened(build(name, SMALL[name]))
    codec.eval().freeze().save(path)
    return codec


@pytest.mark.parametrize("name", ["house", "fu2021", "minnen2020", "balle2018", "zhang2022-baseline"])
def test_frozen_weights_come_back(name: str, tmp_path: Path) -> None:
    trained(name, tmp_path / "w.safetensors")
    codec = build(name, SMALL[name])
    fresh = load_start(codec, tmp_path / "w.safetensors")
    assert all("head" in key or "unconditional" in key for key in fresh), fresh
    picture = photograph(96, 80)
    again, before = codec.eval().freeze(), load(tmp_path / "w.safetensors")
    # weights on their grids come back exactly; densities are fitted, so that only their streams differ a little
    was, found = before.networks.stored(), again.networks.stored()
    for key in (key for key in was if key.endswith(".integers")):
        exponent = key.replace("integers", "exponent")
        assert torch.equal(scaled_back(found[key], found[exponent]), scaled_back(was[key], was[exponent]))
    assert len(again.encode(picture)) == pytest.approx(len(before.encode(picture)), rel=0.05)


def test_gains_are_taken_over_by_their_lambdas(tmp_path: Path) -> None:
    known = trained("house", tmp_path / "w.safetensors").recipe.training.lambdas
    wider = [known[0] / 8, known[0], known[2], known[7] * 40]
    changes = {**SMALL["house"], "rate.levels": 4, "training.lambdas": wider}
    codec = build("house", changes)
    load_start(codec, tmp_path / "w.safetensors")
    gains = torch.as_tensor(load(tmp_path / "w.safetensors").networks.rate.log_gain)
    found = torch.as_tensor(codec.rate.log_gain)
    torch.testing.assert_close(found[1], gains[0], atol=1e-3, rtol=0)
    torch.testing.assert_close(found[2], gains[2], atol=0.02, rtol=0)
    assert bool((found[0] < gains[0]).all())
    assert bool((found[3] > gains[7]).all())


def test_slots_can_begin_anew(tmp_path: Path) -> None:
    trained("house", tmp_path / "w.safetensors")
    codec, untouched = build("house", SMALL["house"]), build("house", SMALL["house"])
    untouched.load_state_dict(codec.state_dict())
    fresh = load_start(codec, tmp_path / "w.safetensors", fresh=("context", "rate"))
    was = dict(untouched.named_parameters())
    changed = {name for name, one in codec.named_parameters() if not torch.equal(one, was[name])}
    assert {name.partition(".")[0] for name in changed} == {"transform", "side_information"}
    assert {name for name in was if name.startswith(("context.", "rate."))} <= set(fresh)


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    trained("balle2017", tmp_path / "w.safetensors")
    with pytest.raises(TrainingError, match="no weight in"):
        load_start(
            build("zhang2022-baseline", {**SMALL["zhang2022-baseline"], "transform.channels": 5}),
            tmp_path / "w.safetensors",
        )
