"""The command line with real weights, used wrongly: one clear message, exit code 2, and no file left behind."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from small import photograph, small_frozen

from plic.cli import main
from plic.core.container import Header, Stream, pack, unpack

MODEL = ("--model", "w.safetensors")
TRAINING = (
    *("--steps", "0", "--set", "training.crop=16", "--set", "training.data_driven_start=false"),
    *("--set", "transform.channels=24", "--set", "transform.widths=[8,8]", "--set", "transform.blocks=[1,1]"),
    *("--set", "side_information.channels=8", "--set", "side_information.features=8"),
    *("--set", "context.features=8", "--set", "context.fusion=[8]"),
)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the commands below are given."""
    folder = tmp_path_factory.mktemp("shelf")
    codec = small_frozen("house")
    codec.save(folder / "w.safetensors")
    photograph(40, 30).save(folder / "a.png")
    photograph(40, 30).convert("RGBA").save(folder / "alpha.png")
    (folder / "text.png").write_text("hello, I am text")
    (folder / "folder.png").mkdir()
    (folder / "old.plic").write_text("old")
    for name in ("empty.png", "empty.plic", "empty.safetensors"):
        (folder / name).write_bytes(b"")
    png, weights = (folder / "a.png").read_bytes(), (folder / "w.safetensors").read_bytes()
    (folder / "cut.png").write_bytes(png[: len(png) // 2])
    (folder / "cut.safetensors").write_bytes(weights[: len(weights) // 2])
    (folder / "foreign.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    (folder / "text.safetensors").write_text("no weights at all")
    data = codec.encode(photograph(40, 30))
    (folder / "a.plic").write_bytes(data)
    (folder / "alpha.plic").write_bytes(codec.encode(photograph(40, 30).convert("RGBA")))
    (folder / "cut.plic").write_bytes(data[:100])
    (folder / "flipped.plic").write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
    (folder / "newer.plic").write_bytes(data[:4] + b"\2" + data[5:])
    changes = {
        "huge": {"width": 60000, "height": 60000},
        "quality": {"quality": 255},
        "recipe": {"recipe": "nobody"},
        "coder": {"coder": "nocoder"},
        "weights": {"fingerprint": b"abcd"},
    }
    stream = unpack(data)
    for name, change in changes.items():
        header: Header = replace(stream.header, **change)  # type: ignore[arg-type]
        (folder / f"{name}.plic").write_bytes(pack(Stream(header, stream.sections)))
    for name in ("good", "mixed", "nested/x.png"):
        (folder / "photographs" / name).mkdir(parents=True)
        shutil.copy(folder / "a.png", (folder / "photographs" / name).parent / "a.png")
        shutil.copy(folder / "a.png", folder / "photographs" / name / "a.png")
    shutil.copy(folder / "text.png", folder / "photographs" / "mixed" / "b.png")
    (folder / "bad.yaml").write_text("plic: 1\nname: bad\nextends: house\nhead: {use: gausian}\n")
    (folder / "misspelt.yaml").write_text("plic: 1\nname: bad\nextends: house\nhaed: {use: gaussian}\n")
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\0\1")
    return folder


@pytest.fixture
def here(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(shelf, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLIC_DEBUG", raising=False)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(here: Path, *arguments: str) -> str:
    """The one message of a command that must fail in the agreed way and change nothing on the disk."""
    before = contents(here)
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    message = result.stderr
    assert len(re.findall("^(plic|Error): ", message, re.MULTILINE)) == 1
    assert "Traceback" not in message
    assert contents(here) == before
    return message


def test_the_right_commands_work(here: Path) -> None:
    assert run("encode", "a.png", "-o", "new.plic", *MODEL, "--quality", "3", "--threads", "1").exit_code == 0
    assert run("decode", "new.plic", "alpha.plic", "-o", "back/", *MODEL).exit_code == 0
    assert Image.open("back/new.png").size == (40, 30)
    assert Image.open("back/alpha.png").mode == "RGBA"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["text.png"], "not a picture that plic can read\n  got:      text.png: text beginning 'hello, I am text'"),
        (["empty.png"], "not a picture that plic can read\n  got:      empty.png: empty"),
        (["missing.png"], "no such file\n  got:      missing.png"),
        (["folder.png"], "this is a folder, not a picture"),
        (["cut.png"], "the picture file is damaged or cut short"),
        (["a.plic"], "use `plic decode`"),
        (["a.png", "--coder", "rnage"], "no coder is called 'rnage'\n  expected: one of constriction, range, torchac"),
        (["a.png", "--quality", "8"], "recipe 'house' has no such quality\n  got:      8\n  expected: 0 to 7"),
        (["a.png", "--quality", "-1"], "-1.0 is not in the range"),
        (["a.png", "--quality", "best"], "'best' is not a valid float"),
        (["a.png", "--threads", "0"], "0 is not in the range"),
        (["a.png", "--qualty", "3"], "No such option '--qualty'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_encode(here: Path, arguments: list[str], message: str) -> None:
    assert message in refused(here, "encode", *arguments, "-o", "new.plic", *MODEL)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("old.plic", "old.plic exists\n  next:     add -f to overwrite it"),
        ("no/such/new.plic", "the folder to write into does not exist"),
        ("a.png/new.plic", "the folder to write into does not exist"),
        ("a.png/", "the folder cannot be made"),
    ],
)
def test_outputs(here: Path, out: str, message: str) -> None:
    assert message in refused(here, "encode", "alpha.png", "-o", out, *MODEL)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("hause", "no recipe is called 'hause'"),
        ("balle2018", "no trained weights for recipe 'balle2018'"),
        ("missing.safetensors", "there is no weights file missing.safetensors"),
        ("empty.safetensors", "empty.safetensors is not a weights file"),
        ("cut.safetensors", "cut.safetensors is not a weights file"),
        ("text.safetensors", "text.safetensors is not a weights file"),
        ("foreign.safetensors", "foreign.safetensors does not hold frozen plic weights"),
        ("a.png", "a path that ends in .safetensors"),
    ],
)
def test_models(here: Path, model: str, message: str) -> None:
    assert message in refused(here, "encode", "a.png", "-o", "new.plic", "--model", model)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty", "this is not a .plic file\n  got:      empty"),
        ("missing", "no such file"),
        ("cut", "the stream is damaged: latent at byte 45: its checksum is wrong"),
        ("flipped", "its checksum is wrong"),
        ("newer", "a newer plic made this file"),
        ("huge", "got:      60000x60000 = 3600000000 pixels"),
        ("quality", "a quality that these weights do not have\n  got:      255"),
        ("recipe", "got:      recipe nobody"),
        ("weights", "the stream was made with other weights\n  got:      recipe house, weights 61626364"),
        ("coder", "the stream needs the coder 'nocoder'"),
    ],
)
def test_decode(here: Path, name: str, message: str) -> None:
    assert message in refused(here, "decode", f"{name}.plic", "-o", "new.png", *MODEL)


@pytest.mark.parametrize("name", ["recipe", "weights"])
def test_streams_without_weights_ask_for_their_weights(here: Path, name: str) -> None:
    message = refused(here, "decode", f"{name}.plic", "-o", "new.png")
    assert "the stream was made with" in message
    assert "--model" in message


@pytest.mark.parametrize(
    ("source", "out", "message"),
    [
        ("a.plic", "new.xyz", "no picture format is known by this extension"),
        ("a.plic", "new", "no picture format is known by this extension"),
        ("a.plic", "new.pgm", "PGM files cannot hold colours"),
        ("alpha.plic", "new.jpg", "JPEG files cannot hold an alpha channel"),
        ("a.plic", "a.png", "a.png exists"),
    ],
)
def test_pictures_that_cannot_be_written(here: Path, source: str, out: str, message: str) -> None:
    assert message in refused(here, "decode", source, "-o", out, *MODEL)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nobody", "no recipe is called 'nobody'"),
        ("missing.yaml", "there is no recipe file missing.yaml"),
        ("bad.yaml", "bad.yaml:4: no head is called 'gausian'"),
        ("misspelt.yaml", "misspelt.yaml:4: a recipe has no key 'haed'"),
        ("binary.yaml", "binary.yaml: the recipe cannot be read"),
    ],
)
def test_recipes(here: Path, name: str, message: str) -> None:
    assert message in refused(here, "recipes", name)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("head.flor=1", "head 'logistic' has no setting 'flor'"),
        ("head.floor=abc", "head.floor does not fit head 'logistic'\n  got:      'abc'"),
        ("head.use=gausian", "near:     gaussian"),
        ("hed.use=gmm", "a recipe has no 'hed' to set"),
        ("training.stepps=3", "near:     steps"),
        ("training.steps=-1", "greater than or equal to 0"),
        ("quantizer.use=median", "quantizer 'median' does not fit head 'logistic'"),
    ],
)
def test_settings(here: Path, setting: str, message: str) -> None:
    assert message in refused(here, "train", "house", "--data", "photographs/good", "--out", "new", "--set", setting)


@pytest.mark.parametrize(
    ("data", "out", "message"),
    [
        ("nowhere", "new", "there is no such folder"),
        ("a.png", "new", "there is no such folder"),
        ("folder.png", "new", "the folder holds no pictures"),
        pytest.param("photographs/mixed", "new", "b.png"),
        pytest.param("photographs/good", "a.png", "a.png"),
        pytest.param("photographs/good", "a.png/new", "a.png"),
    ],
)
def test_training_folders(here: Path, data: str, out: str, message: str) -> None:
    assert message in refused(here, "train", "house", "--data", data, "--out", out, *TRAINING)


def test_training_looks_into_folders_named_like_pictures(here: Path) -> None:
    assert run("train", "house", "--data", "photographs/nested", "--out", "new", *TRAINING).exit_code == 0


def test_damaged_checkpoint(here: Path) -> None:
    Path("new").mkdir()
    Path("new/checkpoint.pt").write_bytes(b"garbage")
    arguments = ("train", "house", "--data", "photographs/good", "--out", "new", *TRAINING, "--resume")
    result = run(*arguments)
    assert result.exit_code == 2
    assert "checkpoint.pt" in result.stderr


def test_trained_weights_code(here: Path) -> None:
    assert run("train", "house", "--data", "photographs/good", "--out", "new", *TRAINING).exit_code == 0
    assert run("encode", "a.png", "-o", "new/a.plic", "--model", "new/weights.safetensors").exit_code == 0
    assert "made with other weights" in refused(here, "decode", "new/a.plic", "-o", "new/a.png", *MODEL)
