"""`examples/plic-student-t` as an outsider has it: a distribution of its own, installed, used from recipes in YAML."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import pytest
from outside import Outside
from PIL import Image
from small import photograph

from plic.core.probability import FamilyFile, write_families

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "plic-student-t"

RECIPE = """\
plic: 1
name: tiny-student-t
extends: cheng2020-gmm
transform: {channels: 8, attention: false}
side_information: {channels: 8}
context: {use: checkerboard-conv, kernel: 5, fusion: [16, 16]}
head: {use: student-t, components: 2}
schedule: {use: checkerboard}
requires: {plic-student-t: ">=1"}
"""

BUILD = """
import sys
from pathlib import Path
import torch, plic
from plic.core.codec import Codec
from plic.core.registry import default_registry

registry = default_registry()
assert registry.provider("head", "student-t") == "plic-student-t 1.0", registry.failed
assert registry.families["student-t-00"] == "plic-student-t 1.0"
assert "cheng2020-student-t" in plic.core.recipe.list_recipes()
torch.manual_seed(0)
codec = plic.build("tiny.yaml")
with torch.no_grad():
    codec.head.ladder.copy_(torch.linspace(-4, 4, len(codec.head.ladder)))
before = codec.head.ladder.clone()
optimizer = torch.optim.Adam(codec.parameters(), lr=1e-3)
for _ in range(2):
    optimizer.zero_grad()
    out = codec.train()(torch.rand(1, 3, 64, 64))
    (out.bits_y.sum() + out.bits_z.sum() + out.x_hat.square().sum()).backward()
    optimizer.step()
assert not torch.equal(codec.head.ladder, before)
frozen = codec.eval().freeze()
assert len(set(frozen.networks.head_module.rungs.tolist())) > 4
frozen.save(Path("w.safetensors"))
print(frozen.fingerprint.hex())
"""


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    folder = tmp_path_factory.mktemp("outside")
    place = Outside.with_example(EXAMPLE.name, folder)
    (folder / "tiny.yaml").write_text(RECIPE, encoding="utf-8")
    photograph(40, 33).save(folder / "picture.png")
    return place


@pytest.fixture(scope="module")
def weights(outside: Outside) -> Path:
    outside.run("-c", BUILD)
    return outside.folder / "w.safetensors"


def test_a_picture_comes_back_in_another_process(outside: Outside, weights: Path) -> None:
    outside.run("-m", "plic", "encode", "picture.png", "-o", "a.plic", "--model", weights)
    outside.run("-m", "plic", "decode", "a.plic", "-o", "back.png", "--model", weights, OMP_NUM_THREADS="2")
    with Image.open(outside.folder / "back.png") as back:  # decoding compared a digest of all symbols
        assert back.size == (40, 33)


def test_its_own_tests_pass(outside: Outside) -> None:
    """The contract of its slot, its file against its generator; most of its variants are left out for time."""
    tests = "(TestStudentT and not Gauss and not Between) or generator or heavy"
    output = outside.run("-m", "pytest", "-p", "no:cacheprovider", "--plic-examples", "2", "-k", tests, "source")
    assert re.search(r"^\d\d passed", output.splitlines()[-1].strip("= ")), output


def test_without_the_plugin_the_recipe_says_what_is_missing(outside: Outside, weights: Path) -> None:
    encode = ("-m", "plic", "encode", "picture.png", "-o", "c.plic", "--model", weights)
    message = outside.run(*encode, code=2, PYTHONPATH="")
    assert "plic-student-t" in message
    assert "pip install" in message
    message = outside.run(*encode, code=2, PLIC_DISABLE_PLUGINS="plic-student-t")
    assert "which is disabled" in message


def test_another_table_is_refused(outside: Outside, weights: Path) -> None:
    """What a careless author publishes: a file made anew, with its SHA-256 stated, under the old names."""
    other = Outside(outside.folder, outside.folder / "other", outside.source)
    shutil.copytree(outside.site, other.site)
    file, code = other.site / "plic_student_t" / "student_t.npz", other.site / "plic_student_t" / "ladder.py"
    stated = hashlib.sha256(file.read_bytes()).hexdigest()
    tables = {name: family.table.copy() for name, family in FamilyFile(file, sha256=stated).read().items()}
    tables["student-t-05"][1600] += 1
    written = code.read_text(encoding="utf-8")
    assert stated in written
    code.write_text(written.replace(stated, write_families(file, tables)), encoding="utf-8")
    encode = ("-m", "plic", "encode", "picture.png", "-o", "d.plic", "--model", weights)
    message = other.run(*encode, code=2)
    assert "made with another table of the family 'student-t-05'" in message
    assert not (outside.folder / "d.plic").exists()


def test_plic_does_not_know_it() -> None:
    tree = EXAMPLE.parent.parent
    files = [path for room in ("core", "plugins") for path in (tree / room).rglob("*.py")]
    assert not [path for path in files if "plic_student_t" in path.read_text(encoding="utf-8")]
