"""The example of docs/families.md, as it is printed there: generated, installed, tried and coded with."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest
from fakes import write_distribution
from small import SMALL, photograph

from plic.core.api import build
from plic.core.codec import assemble
from plic.core.plugins import load_plugins
from plic.core.recipe import load_recipe
from plic.core.registry import Registry
from plic.testing import HeadContract

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "families.md"
RECIPE = "plic: 1\nname: sech\nextends: minnen2018-mean\nhead: {use: sech}\nrequires: {plic-sech: '>=1'}\n"


def block(name: str) -> str:
    """The fenced code that begins with a comment that names the file."""
    for found in re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL):
        if str(found).startswith(f"# plic_sech/{name}"):
            return str(found)
    raise LookupError(name)


def test_the_guide_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    generator = tmp_path / "generate.py"
    generator.write_text(block("generate.py"), encoding="utf-8")
    runpy.run_path(str(generator), run_name="__main__")
    sha256 = capsys.readouterr().out.strip()
    (tmp_path / "sech.npz").rename(tmp_path / "plic_sech.npz")
    code = block("__init__.py").replace("WHAT THE GENERATOR PRINTED", sha256).replace("sech.npz", "plic_sech.npz")
    write_distribution(tmp_path, "plic-sech", code)
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins = load_plugins({})
    registry = Registry(plugins)
    assert registry.families["sech"] == "plic-sech 1.0", registry.failed
    codes(tmp_path, registry)
    keeps_the_contract(registry)
    del sys.modules["plic_sech"]


def codes(folder: Path, registry: Registry) -> None:
    (folder / "sech.yaml").write_text(RECIPE, encoding="utf-8")
    small = {key: value for key, value in SMALL["minnen2018-mean"].items() if not key.startswith("head")}
    frozen = assemble(load_recipe(folder / "sech.yaml", small, registry), registry).eval().freeze()
    assert "head_module.families._extra_state" in frozen.networks.stored()
    assert frozen.fingerprint != build("minnen2018-mean", small).eval().freeze().fingerprint
    picture = frozen.decode(frozen.encode(photograph(33, 40)))
    assert picture.size == (33, 40)


def keeps_the_contract(registry: Registry) -> None:
    class Trial(HeadContract):
        part = registry.part("head", "sech")
        examples = 3

    trial = Trial()
    trial.test_families_of_others_are_named()
    trial.test_gradients_reach_every_parameter()
    trial.test_integers_match_the_likelihood()
    trial.test_mean_index_moves_the_distribution()
