"""Parts that do not fit are refused when the recipe loads; the message names both and says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import plic
from plic.cli import main
from plic.core.errors import IncompatibleParts
from plic.core.plugins import Plugin
from plic.core.registry import PartSpec, Registry, default_registry
from plic.core.slots import ContextWiring
from plic.plugins.context.masked_conv import MaskedConv

CASES = {
    "a mixture on the mean-centred grid": (
        "extends: fu2021\nquantizer: {use: mean-centred}",
        ["quantizer 'mean-centred'", "head 'gllmm'", "one mean to centre on", "that fit every head: integer"],
    ),
    "a 3-D context along a raster of all channels": (
        "extends: chen2019\nschedule: {use: raster}",
        ["context 'masked-conv-3d'", "schedule 'raster'", "the order 'raster'", "schedules that fit this context"],
    ),
    "global attention along the fronts of a raster": (
        "extends: guo2021\nschedule: {use: raster, execution: fronts}",
        ["context 'causal-global'", "schedule 'raster'", "schedules that fit this context: two-groups-raster"],
    ),
    "global attention along the fronts of groups": (
        "extends: guo2021\nschedule: {use: groups-raster, groups: 2, execution: fronts}",
        ["context 'causal-global'", "schedule 'groups-raster'", "the order 'groups-raster'"],
    ),
    "tiles of a transform that is not local": (
        "extends: chen2019\ntile: 64",
        ["tile: 64", "transform 'nonlocal'", "may depend on the whole picture"],
    ),
    "a checkerboard network along a raster": (
        "extends: he2021\nschedule: {use: raster}",
        ["context 'checkerboard-conv'", "schedule 'raster'"],
    ),
    "predictions by the mean of a head that has several": (
        "extends: zhang2022-baseline\nhead: {use: gmm}",
        ["context 'mixture-cnn'", "head 'gmm'", "without exactly one mean"],
    ),
    "groups that are not all channels": (
        "extends: elic2022\ntransform: {latent_channels: 300}",
        ["schedule 'groups-checkerboard'", "transform 'bottleneck'", "300"],
    ),
}


@pytest.mark.parametrize(("change", "said"), CASES.values(), ids=CASES)
def test_it_is_refused_when_it_loads(change: str, said: list[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"plic: 1\nname: mine\n{change}\n")
    with pytest.raises(plic.errors.RecipeError) as caught:
        plic.load_recipe(path)
    for text in ("recipe 'mine'", *said) if isinstance(caught.value, IncompatibleParts) else said:
        assert text in str(caught.value)
    assert caught.value.hint
    shown = CliRunner().invoke(main, ["recipes", str(path)])
    assert shown.exit_code == 2
    assert said[0] in shown.output


class Everywhere(MaskedConv):
    """A context of raster order that claims to look at everything before."""

    def __init__(self, wiring: ContextWiring) -> None:
        super().__init__(wiring)
        self.reach = None


@pytest.mark.parametrize("execution", ["fronts", "serial"])
def test_fronts_are_for_contexts_of_limited_reach(execution: str) -> None:
    plugin = Plugin("far", "far", "1.0", "far", parts=(PartSpec("context", "everywhere", Everywhere),))
    registry = Registry([*default_registry().plugins, plugin])
    settings = {"context": {"use": "everywhere"}, "schedule.execution": execution}
    if execution == "serial":
        assert plic.load_recipe("minnen2018", settings, registry).schedule.id == "raster"
        return
    with pytest.raises(IncompatibleParts, match="'everywhere' may look everywhere, schedule 'raster' codes together"):
        plic.load_recipe("minnen2018", settings, registry)


def test_a_local_transform_may_be_tiled(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("plic: 1\nname: mine\nextends: house\ntile: 32\n")
    recipe = plic.load_recipe(path)
    assert recipe.tile == 32
    assert "tile: 32" in recipe.to_yaml()
    assert recipe.fingerprint() == plic.load_recipe("house").fingerprint()
