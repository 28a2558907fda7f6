"""The conformance kit as third parties use it: collected by pytest, which tells the contract that is broken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from plic.core.testing.contract import contract_name
from plic.testing import CONTRACTS, CodecContract

DOCS = Path(__file__).resolve().parent.parent / "docs"

THIRD_PARTY = '''
from plic.core.slots import Distortion
from plic.testing import DistortionContract


class Good(Distortion):
    """Mean absolute error."""

    def __call__(self, x, x_hat):
        return (x - x_hat).abs().mean((1, 2, 3))


class Bad(Good):
    """Never without distortion."""

    def __call__(self, x, x_hat):
        return super().__call__(x, x_hat) + 1


class Test{name}(DistortionContract):
    part = {name}


def test_of_their_own():
    assert DistortionContract.plic_slot == "distortion"
'''


def run_pytest(folder: Path, *options: str) -> SimpleNamespace:
    """pytest as a third party runs it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return SimpleNamespace(code=done.returncode, output=done.stdout + done.stderr)


def test_a_third_partys_good_part_passes(tmp_path: Path) -> None:
    (tmp_path / "test_good.py").write_text(THIRD_PARTY.format(name="Good"))
    done = run_pytest(tmp_path, "--strict-markers", "--plic-examples", "3", "-m", "plic_contract")
    assert done.code == 0, done.output
    assert "1 deselected" in done.output
    assert "3 examples for each property" in done.output


def test_a_third_partys_broken_part_fails(tmp_path: Path) -> None:
    (tmp_path / "test_bad.py").write_text(THIRD_PARTY.format(name="Bad"))
    done = run_pytest(tmp_path)
    assert done.code == 1
    assert "distortion contract 'identical pictures have none' is broken" in done.output
    assert "- plic contract -" in done.output
    assert "part:     Bad()" in done.output
    assert "1 failed" in done.output


def python_blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_examples_of_the_guides_pass(tmp_path: Path) -> None:
    (tmp_path / "plic_charbonnier.py").write_text(python_blocks("plugins.md")[0])
    examples = {block.split("\n\n")[0]: block for block in python_blocks("testing.md")}
    for name, block in enumerate(examples.values()):
        compile(block, f"example {name}", "exec")
        if "Charbonnier" in block or "TwoLevels" in block:
            (tmp_path / f"test_{name}.py").write_text(block)
    done = run_pytest(tmp_path, "--plic-examples", "4")
    assert done.code == 0, done.output
    assert re.search(r"\b2\d passed", done.output), done.output


def test_the_guide_lists_every_contract() -> None:
    guide = (DOCS / "testing.md").read_text(encoding="utf-8")
    for kind in {*CONTRACTS.values(), CodecContract}:
        assert f"### `{kind.__name__}`" in guide
        for name in dir(kind):
            if name.startswith("test_"):
                row = f"| {contract_name(name)} | {getattr(kind, name).plic_contract} |"
                assert row in guide, f"docs/testing.md lacks the row {row}"


def test_the_plugin_is_light() -> None:
    code = "import sys, plic.core.testing.plugin; print({'torch', 'hypothesis', 'numpy', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("missing", ["hypothesis", "pytest"])
def test_what_is_missing_is_said(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\nimport plic.testing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"plic.testing needs {missing}" in done.stderr
    assert "pip install 'plic[testing]'" in done.stderr
