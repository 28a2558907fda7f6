"""Parts of a plugin that return other shapes than their slots promise: the part is named, wherever it is used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import run
from distributions import install, site_on_path
from small import SMALL, photograph

from plic import build
from plic.core import joints
from plic.core.errors import PluginError
from plic.core.refining import encode_refined
from plic.core.slots import LatentShape
from plic.plugins.head.gaussian import Gaussian
from plic.plugins.schedule.raster import Raster

SIZE = 64
CODE = """
from dataclasses import replace
from torch import nn
from plic.core.hookspecs import hookimpl
from plic.core.registry import PartSpec
from plic.core.slots import Latents, Refiner
from plic.core.slots.coder import Decoder, Encoder
from plic.plugins.coder.range_coder import RangeCoder
from plic.plugins.context.masked_conv import MaskedConv
from plic.plugins.distortion.mse import Mse
from plic.plugins.head.gaussian import Gaussian
from plic.plugins.quantizer.integer import IntegerGrid
from plic.plugins.rate.fixed import FixedRate
from plic.plugins.schedule.raster import Raster
from plic.plugins.side_information.hyperprior import Hyperprior
from plic.plugins.transform.gdn import GdnTransform

PLIC_API = 1

class Deep(GdnTransform):
    def analysis(self, x): return super().analysis(x).repeat(1, 2, 1, 1)
class Narrow(GdnTransform):
    def synthesis(self, y_hat): return super().synthesis(y_hat)[..., 1:]
class Pair(GdnTransform):
    def analysis(self, x): return super().analysis(x), x
class First(FixedRate):
    def scale(self, y, quality): return y[:, :1]
class Uncropped(Hyperprior):
    def synthesis(self, z_hat, height, width): return super().synthesis(z_hat, height, width)[:, 1:]
class Flat(MaskedConv):
    def parameters_all(self, values, side): return super().parameters_all(values, side)[:, 0]
class Lacking(MaskedConv):
    def parameters_at(self, state, step): return super().parameters_at(state, step)[..., :-1]
class Mean(Gaussian):
    def likelihood(self, parameters, values): return super().likelihood(parameters, values).mean()
class Few(Gaussian):
    def freeze(self):
        frozen = super().freeze()
        return lambda parameters, channels, support: frozen(parameters[:, :-1], channels[:-1], support)
class Short(Raster):
    def steps(self, shape, reach): return super().steps(shape, reach)[:-1]
class Beyond(Raster):
    def steps(self, shape, reach):
        return [replace(step, sites=step.sites + 1) for step in super().steps(shape, reach)]
class Total(Mse):
    def __call__(self, x, x_hat): return super().__call__(x, x_hat).sum()
class Wide(IntegerGrid):
    def for_rate(self, y, noise, centre): return super().for_rate(y, noise, centre).repeat(1, 2, 1, 1)
class Scalar(IntegerGrid):
    def for_synthesis(self, y, noise, centre): return y.mean()
class Long(RangeCoder):
    def decoder(self, data): return LongDecoder(super().decoder(data))
class LongDecoder(Decoder):
    def __init__(self, inner): self.inner = inner
    def decode(self, distribution): return self.inner.decode(distribution).astype("int64")
    def finish(self): self.inner.finish()
class Listed(RangeCoder):
    def encoder(self): return ListedEncoder(super().encoder())
class ListedEncoder(Encoder):
    def __init__(self, inner): self.inner = inner
    def encode(self, distribution, symbols): self.inner.encode(distribution, symbols)
    def finish(self): return list(self.inner.finish())
class Halving(Refiner):
    def refine(self, start, objective): return Latents(start.y[..., ::2], start.z)

@hookimpl
def plic_register_parts():
    parts = {
        "transform": (Deep, Narrow, Pair), "rate": (First,), "side_information": (Uncropped,),
        "context": (Flat, Lacking), "head": (Mean, Few), "schedule": (Short, Beyond), "distortion": (Total,),
        "refiner": (Halving,), "quantizer": (Wide, Scalar), "coder": (Long, Listed),
    }
    return [PartSpec(slot, cls.__name__.lower(), cls) for slot, classes in parts.items() for cls in classes]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with site_on_path(tmp_path_factory.mktemp("joints") / "site") as folder:
        install(folder, "plic-odd", CODE)
        yield folder


def settings(slot: str, part: str) -> dict[str, Any]:
    return {f"{slot}.use": part, **SMALL["minnen2018"]}


@pytest.mark.parametrize(
    ("slot", "part", "method", "got", "expected"),
    [
        ("transform", "deep", "analysis", "a tensor (1, 32, 4, 4)", "a tensor (1, 16, 4, 4), which is (B, latent_cha"),
        ("transform", "narrow", "synthesis", "a tensor (1, 3, 64, 63)", "a tensor (1, 3, 64, 64)"),
        ("transform", "pair", "analysis", "an object of tuple", "a tensor (1, 16, 4, 4)"),
        ("rate", "first", "scale", "a tensor (1, 1, 4, 4)", "a tensor (1, 16, 4, 4), which is (B, C, h, w)"),
        ("side_information", "uncropped", "synthesis", "a tensor (1, 31, 4, 4)", "a tensor (1, 32, 4, 4)"),
        ("context", "flat", "teacher_forced", "a tensor (1, 16, 4, 4)", "a tensor (1, 2, 16, 4, 4), which is param"),
        ("context", "lacking", "parameters_at", "a tensor (1, 2, 15)", "a tensor (1, 2, 16), which is (B, P, n)"),
        ("head", "mean", "likelihood", "a tensor ()", "a tensor (1, 16, 4, 4)"),
    ],
)
def test_estimates_name_the_part(site: Path, slot: str, part: str, method: str, got: str, expected: str) -> None:
    codec = build("minnen2018", settings(slot, part)).eval()
    with torch.no_grad(), pytest.raises(PluginError) as caught:
        codec(torch.rand(1, 3, SIZE, SIZE))
    message = str(caught.value)
    told = f"{slot} '{part}' of plic-odd 1.0 returns from {method}() what its slot does not promise\n"
    assert message.startswith(f"{told}  got:      {got}\n  expected: {expected}")
    assert message.endswith(
        "  next:     `plic plugin check plic-odd` shows what else does not hold; tell the authors of plic-odd"
    )


@pytest.mark.parametrize(("part", "method"), [("wide", "for_rate"), ("scalar", "for_synthesis")])
def test_training_names_the_quantizer(site: Path, part: str, method: str) -> None:
    codec = build("minnen2018", settings("quantizer", part)).train()
    with pytest.raises(PluginError, match=rf"quantizer '{part}' of plic-odd 1.0 returns from {method}\(\)") as caught:
        codec(torch.rand(1, 3, SIZE, SIZE))
    assert str(caught.value.expected).endswith("which is the latent's")


def test_coding_names_the_coder(site: Path) -> None:
    codec = build("minnen2018", SMALL["minnen2018"]).eval().freeze()
    with pytest.raises(PluginError, match=r"coder 'listed' of plic-odd 1.0 returns from finish\(\)") as caught:
        codec.encode(photograph(SIZE, SIZE), coder="listed")
    assert (caught.value.got, caught.value.expected) == ("an object of list", "bytes")
    data = codec.encode(photograph(SIZE, SIZE), coder="long")
    with pytest.raises(PluginError, match=r"coder 'long' of plic-odd 1.0 returns from decode\(\)") as caught:
        codec.decode(data)
    assert str(caught.value.got).startswith("an array int64")


@pytest.mark.parametrize(
    ("part", "got", "expected"),
    [
        ("short", "of 1,008 elements together, for a latent (16, 8, 8)", "each of the 1,024 elements once"),
        ("beyond", "steps with sites 1 to 64, for a latent (16, 8, 8)", "sites from 0 to 63"),
    ],
)
def test_schedules_are_refused_when_the_recipe_loads(site: Path, part: str, got: str, expected: str) -> None:
    with pytest.raises(PluginError, match=f"schedule '{part}' of plic-odd 1.0 returns from steps") as caught:
        build("minnen2018", settings("schedule", part))
    assert str(caught.value.got).endswith(got)
    assert caught.value.expected == expected


@pytest.mark.parametrize(
    ("slot", "part", "told"),
    [
        ("transform", "deep", "transform 'deep' of plic-odd 1.0 returns from analysis()"),
        ("context", "lacking", "context 'lacking' of plic-odd 1.0 returns from parameters_at()"),
        ("head", "few", "head 'few' of plic-odd 1.0 returns from freeze()"),
    ],
)
def test_coding_names_the_part(site: Path, slot: str, part: str, told: str) -> None:
    codec = build("minnen2018", settings(slot, part)).eval().freeze()
    with pytest.raises(PluginError) as caught:
        codec.encode(photograph(SIZE, SIZE))
    assert str(caught.value).startswith(told)


def test_refiners_are_named(site: Path) -> None:
    codec = build("balle2018", {**SMALL["balle2018"], "training.lambdas": [0.01]}).eval().freeze()
    with pytest.raises(PluginError, match=r"refiner 'halving' of plic-odd 1.0 returns from refine\(\)"):
        encode_refined(codec, photograph(SIZE, SIZE), "halving")


def test_commands_tell_it_in_a_message(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    photograph(SIZE, SIZE).save("data/a.png")
    changes = {
        **settings("distortion", "total"),
        "training.crop": SIZE,
        "training.batch": 2,
        "training.lambdas": [0.01],
    }
    train = ["train", "minnen2018", "--data", "data", "--steps", "1", "--device", "cpu"]
    given = [word for key, value in changes.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    stderr = run(*train, "--out", "total", *given, code=2).stderr
    assert "plic: distortion 'total' of plic-odd 1.0 returns from __call__() what" in stderr
    assert "Traceback" not in stderr
    given = [*given, "--set", "distortion.use=mse", "--set", "head.use=few"]
    run(*train, "--out", "few", *given)
    weights = "few/weights.safetensors"
    for command in (
        ["encode", "data/a.png", "-o", "a.plic", "--model", weights],
        ["evaluate", weights, "--data", "data", "-o", "r.json"],
    ):
        stderr = run(*command, code=2).stderr
        assert "plic: head 'few' of plic-odd 1.0 returns from freeze() what its slot does not promise\n" in stderr
        assert "expected: of the " in stderr
    Path("deep.yaml").write_text("plic: 1\nname: deep\nextends: minnen2018\ntransform: {use: deep}\n", encoding="utf-8")
    stderr = run("recipes", "deep.yaml", code=2).stderr
    assert "plic: transform 'deep' of plic-odd 1.0 returns from analysis() what" in stderr


def test_parts_that_no_plugin_registers_are_named_by_their_class() -> None:
    class Own(Gaussian):
        def likelihood(self, parameters: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
            return values[:, :1]

    with pytest.raises(PluginError, match=r"head \S*Own of module \S*test_joints returns") as caught:
        joints.likelihood(Own(2), torch.ones(1, 2, 2, 3, 3), torch.zeros(1, 2, 3, 3))
    assert caught.value.hint == "try the part against the contract of its slot, as docs/testing.md says"


def test_what_is_as_promised_passes_through() -> None:
    raster, shape = Raster(), LatentShape(2, 3, 4)
    assert sum(step.size for step in joints.steps(raster, shape, 2)) == shape.elements
    head, values = Gaussian(2), torch.zeros(1, 2, 3, 3)
    parameters = torch.ones(1, 2, 2, 3, 3)
    assert torch.equal(joints.likelihood(head, parameters, values), head.likelihood(parameters, values))
