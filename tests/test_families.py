"""Families that plugins bring: their files, the hook, and weights that name them by what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from fakes import fake_registry, write_distribution
from small import photograph, small_codec
from torch import Tensor, nn

from plic.core.codec import Codec
from plic.core.errors import PlicError, PluginError, StreamMismatch, UnknownName, WeightsError
from plic.core.layers import Families
from plic.core.networks import FrozenNetworks
from plic.core.plugins import Plugin, load_plugins
from plic.core.probability import (
    GAUSSIAN,
    LAPLACIAN,
    LOGISTIC,
    Family,
    FamilyFile,
    IntegerDistribution,
    MixtureDistribution,
    Support,
    locations,
    scale_levels,
    write_families,
)
from plic.core.registry import Registry
from plic.core.slots import Distributions
from plic.plugins.coder.range_coder import RangeCoder
from plic.plugins.head.gaussian import Gaussian

Table = npt.NDArray[np.int32]


def uniform(reach: int = 2) -> Table:
    """The uniform density over ``reach`` units on each side: a family that nobody ships."""
    place = np.linspace(-24, 24, GAUSSIAN.table.size)
    return np.rint(np.clip((place / reach + 1) / 2, 0, 1) * (1 << 30)).astype(np.int32)


def written(path: Path, **tables: Table) -> FamilyFile:
    return FamilyFile(path, write_families(path, {name.replace("_", "-"): table for name, table in tables.items()}))


# --- files ----------------------------------------------------------------------------------------------------------


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    file = written(tmp_path / "a.npz", uniform=uniform(), wide_uniform=uniform(8))
    families = file.read()
    assert list(families) == ["uniform", "wide-uniform"]
    np.testing.assert_array_equal(families["wide-uniform"].table, uniform(8))
    assert hashlib.sha256(file.path.read_bytes()).hexdigest() == file.sha256
    assert file.read()["uniform"] is families["uniform"]
    assert families["uniform"] == Family("another-name", uniform())
    assert families["uniform"] != families["wide-uniform"]


def test_a_missing_file_and_a_changed_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"(?s)a\.npz cannot be read.*package-data"):
        FamilyFile(tmp_path / "a.npz", "0" * 64).read()
    file = written(tmp_path / "a.npz", uniform=uniform())
    file.path.write_bytes(file.path.read_bytes() + b"\0")
    with pytest.raises(PluginError, match=rf"(?s)is not the one.*got:.*expected: {file.sha256}"):
        file.read()


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    for content, message in (
        (b"no archive", "is no file of families"),
        (_archive(tmp_path, version=np.int32(2), uniform=uniform()), "of this version"),
        (_archive(tmp_path, uniform=uniform()), "of this version"),
        (_archive(tmp_path, version=np.int32(1)), "with names of their own"),
        (_archive(tmp_path, version=np.int32(1), uniform=uniform()[::-1]), "'uniform' is not valid"),
        (_archive(tmp_path, version=np.int32(1), uniform=uniform() / 2), "'uniform' is not valid"),
        (_archive(tmp_path, version=np.int32(1), uniform=np.array([{}])), "is no file of families"),
    ):
        path.write_bytes(content)
        with pytest.raises(PlicError, match=message):
            FamilyFile(path, hashlib.sha256(content).hexdigest()).read()


def _archive(folder: Path, **arrays: object) -> bytes:
    np.savez(folder / "other.npz", **{name: np.asarray(array) for name, array in arrays.items()})  # type: ignore[arg-type]
    return (folder / "other.npz").read_bytes()


@pytest.mark.parametrize("name", ["gaussian", "version", "Uniform", ""])
def test_a_name_that_is_taken_or_no_id_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PluginError, match="names of their own"):
        write_families(tmp_path / "a.npz", {name: uniform()})
    assert not (tmp_path / "a.npz").exists()


# --- the hook -------------------------------------------------------------------------------------------------------

PLUGIN = """
from pathlib import Path
from plic.core.hookspecs import hookimpl
from plic.core.probability import FamilyFile

PLIC_API = 1


@hookimpl
def plic_register_families():
    return [FamilyFile(Path(__file__).with_name("uniform.npz"), "{sha256}")]
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on ``sys.path`` with the file of a family."""
    monkeypatch.syspath_prepend(str(tmp_path))
    written(tmp_path / "uniform.npz", uniform=uniform())
    yield tmp_path
    import sys

    sys.modules.pop("plic_uniform", None)


def installed(site: Path, sha256: str | None = None) -> Plugin:
    stated = sha256 or hashlib.sha256((site / "uniform.npz").read_bytes()).hexdigest()
    write_distribution(site, "plic-uniform", PLUGIN.format(sha256=stated))
    return next(plugin for plugin in load_plugins({}) if plugin.distribution == "plic-uniform")


def test_a_plugin_adds_a_family(site: Path) -> None:
    plugin = installed(site)
    assert plugin.status == "loaded", plugin.traceback
    registry = fake_registry(plugin)
    assert registry.families == {"uniform": "plic-uniform 1.0"}
    np.testing.assert_array_equal(registry.family("uniform").table, uniform())
    with pytest.raises(UnknownName, match=r"(?s)'unifrm'.*near:     uniform"):
        registry.family("unifrm")


def test_a_plugin_with_a_damaged_family_is_isolated(site: Path) -> None:
    plugin = installed(site, "0" * 64)
    assert plugin.status == "failed"
    assert "is not the one that its plugin was made with" in plugin.reason
    assert fake_registry(plugin).part("head", "normal")


def test_a_family_of_two_plugins_is_a_conflict(site: Path) -> None:
    plugin = installed(site)
    registry = Registry([plugin, Plugin("other", "other", "2.0", "other", families=plugin.families)])
    assert [error.problem for error in registry.conflicts] == [
        "family 'uniform' is provided by 2 plugins, so it is not clear which one is meant"
    ]
    with pytest.raises(PluginError, match=r"plic-uniform 1\.0, other 2\.0"):
        registry.family("uniform")


# --- a family for each element --------------------------------------------------------------------------------------


def test_each_element_may_choose_its_families() -> None:
    random = np.random.default_rng(0)
    components, count = 2, 70
    location = random.integers(-20000, 20000, (components, count), dtype=np.int32)
    scale = random.integers(100, 300, (components, count), dtype=np.int16)
    weight = np.stack([np.full(count, 20000), np.full(count, 45536)])
    families = (GAUSSIAN, LAPLACIAN, LOGISTIC, Family("uniform", uniform()))
    choice = random.integers(0, len(families), (components, count))
    support = Support(-20, 20)
    mixture = MixtureDistribution(location, scale, weight, families, support, choice)
    symbols = random.integers(-20, 21, count, dtype=np.int32)
    for i in range(count):
        chosen = tuple(families[j] for j in choice[:, i])
        one = slice(i, i + 1)
        alone = MixtureDistribution(location[:, one], scale[:, one], weight[:, one], chosen, support)
        np.testing.assert_array_equal(alone.table(16).cdf[0], mixture.table(16).cdf[i])
        assert np.array_equal(mixture.take(one).intervals(symbols[one], 16), alone.intervals(symbols[one], 16))
        assert mixture.bits(symbols)[i] == alone.bits(symbols[one])[0]
    encoder = RangeCoder().encoder()
    encoder.encode(mixture, symbols)
    np.testing.assert_array_equal(RangeCoder().decoder(encoder.finish()).decode(mixture), symbols)


@pytest.mark.parametrize("wrong", [-1, 1])
def test_a_choice_that_is_not_there_is_refused(wrong: int) -> None:
    one = np.ones((1, 1), dtype=np.int32)
    with pytest.raises(PlicError, match=r"(?s)chooses a family that is not there.*expected: 0 to 0"):
        MixtureDistribution(one, one, one << 16, (GAUSSIAN,), Support(0, 1), wrong * one)


# --- weights --------------------------------------------------------------------------------------------------------


class Foreign(Gaussian):
    """Gaussian in training, another table when it codes; one multiple of the scale is its own for each channel."""

    def __init__(self, channels: int, table: Table, named: bool = True) -> None:
        super().__init__(channels, mean=False)
        self.family = Family("uniform", table)
        self.families = Families([self.family]) if named else nn.Identity()
        self.octaves = nn.Parameter(torch.arange(channels).float() % 3)

    def freeze(self) -> Distributions:
        return FrozenForeign(self)


class FrozenForeign(nn.Module):
    """Takes parameters and owns some."""

    octaves: Tensor

    def __init__(self, head: Foreign) -> None:
        super().__init__()
        self.family, self.families = head.family, head.families
        self.register_buffer("octaves", head.octaves.detach().round().to(torch.int16))

    def forward(
        self, parameters: npt.NDArray[np.float64], channels: npt.NDArray[np.int64], support: Support
    ) -> IntegerDistribution:
        return MixtureDistribution(
            location=locations(np.zeros_like(parameters)),
            scale=scale_levels(parameters, 0.11) + 32 * self.octaves.numpy()[channels],
            weight=np.full(parameters.shape, 1 << 16, np.int32),
            families=(self.family,),
            support=support,
        )


def codec(table: Table, named: bool = True) -> Codec:
    made = small_codec("balle2018").eval()
    made.head = Foreign(made.transform.latent_channels, table, named)
    return made


def test_a_head_may_take_parameters_and_own_some() -> None:
    frozen = codec(uniform()).freeze()
    assert frozen.entropy_model.y.takes_parameters
    data = frozen.encode(photograph(40, 33))
    picture = frozen.decode(data)
    assert picture.size == (40, 33)


def test_weights_and_streams_name_the_table(tmp_path: Path) -> None:
    first, again, second = (codec(uniform(reach)).freeze() for reach in (2, 2, 3))
    assert first.fingerprint == again.fingerprint != second.fingerprint
    with pytest.raises(StreamMismatch, match="made with other weights"):
        second.decode(first.encode(photograph(16, 16)))
    first.save(tmp_path / "w.safetensors")
    again.networks.load(tmp_path / "w.safetensors")
    message = (
        r"(?s)w\.safetensors: the weights were made with another table of the family 'uniform'.*install the version"
    )
    with pytest.raises(WeightsError, match=message) as caught:
        second.networks.load(tmp_path / "w.safetensors")
    assert Family("uniform", uniform(2)).digest.hex() in str(caught.value)
    with pytest.raises(WeightsError, match="holds weights of another architecture"):
        FrozenNetworks.of(small_codec("balle2018")).load(tmp_path / "w.safetensors")


def test_a_checkpoint_names_the_table() -> None:
    state = codec(uniform(2)).state_dict()
    codec(uniform(2)).load_state_dict(state)
    with pytest.raises(WeightsError, match="another table of the family 'uniform'"):
        codec(uniform(3)).load_state_dict(state)


def test_a_family_that_weights_do_not_name_codes_nothing() -> None:
    frozen = codec(uniform(), named=False).freeze()
    with pytest.raises(PlicError, match=r"(?s)'uniform', which its weights do not name.*Families"):
        frozen.encode(photograph(16, 16))
