"""The command line: what it prints, where results go, and how it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from plic.cli import main
from plic.core.container import Header, Section, SectionKind, Stream, pack, unpack
from plic.core.container.stream import FINGERPRINT_BYTES
from plic.core.errors import PlicError, WeightsError
from plic.core.image import Picture

HEADER = Header(recipe="fake", fingerprint=bytes(FINGERPRINT_BYTES), width=1, height=1, quality=0, digest=0)


class FakeCodec:
    """Keeps the size of a picture and forgets the rest."""

    def encode(self, picture: Picture, quality: int | None = None, coder: str | None = None) -> bytes:
        if coder == "broken":
            raise PlicError("no coder is called 'broken'")
        header = replace(HEADER, width=picture.width, height=picture.height, quality=quality or 0)
        return pack(Stream(header, (Section(SectionKind.LATENT, b"x"),)))

    def decode_picture(self, data: bytes) -> Picture:
        header = unpack(data).header
        return Picture(np.zeros((header.height, header.width, 3), np.uint8))


@pytest.fixture(autouse=True)
def api(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Replaces the API that loads weights; records what was asked of it."""
    calls = SimpleNamespace(load=[], codec_of=[])
    module = ModuleType("plic.core.api")

    def load(name: str | None, quality: int | None = None) -> FakeCodec:
        calls.load.append((name, quality))
        if name == "nothing":
            raise WeightsError("no weights are shipped for 'nothing'")
        return FakeCodec()

    def codec_of(header: Header) -> FakeCodec:
        calls.codec_of.append(header)
        return FakeCodec()

    module.load, module.codec_of = load, codec_of  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "plic.core.api", module)
    monkeypatch.delenv("PLIC_DEBUG", raising=False)
    return calls


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, holding a.png and b.png."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Image.new("RGB", (6, 4)).save(f"{name}.png")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def refused(*arguments: str) -> str:
    """The message of a command that must fail in the agreed way."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("plic: ")
    assert "Traceback" not in result.stderr
    return result.stderr


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# --- encode and decode ----------------------------------------------------------------------------------------------


def test_one_file(here: Path, api: SimpleNamespace) -> None:
    result = run("encode", "a.png", "-o", "a.plic", "--model", "fake", "--quality", "3")
    assert result.exit_code == 0
    assert "a.png -> a.plic: " in result.stderr
    assert " bpp" in result.stderr
    assert api.load == [("fake", 3)]
    assert run("decode", "a.plic", "-o", "back.bmp").exit_code == 0
    assert api.codec_of[0].recipe == "fake"
    assert Image.open("back.bmp").size == (6, 4)


def test_no_model_means_the_default(here: Path, api: SimpleNamespace) -> None:
    assert run("encode", "a.png", "-o", "a.plic").exit_code == 0
    assert api.load == [(None, None)]


def test_decode_takes_a_weights_file(here: Path, api: SimpleNamespace) -> None:
    run("encode", "a.png", "b.png", "-o", "coded/")
    arguments = ["decode", "coded/a.plic", "coded/b.plic", "-o", "back/", "--model", "my.safetensors"]
    assert run(*arguments).exit_code == 0
    assert api.load[1:] == [("my.safetensors", None)]
    assert not api.codec_of


@pytest.mark.parametrize("out", ["new/deep/", "there"])
def test_many_files_go_into_a_folder(here: Path, out: str) -> None:
    Path("there").mkdir()
    assert run("encode", "a.png", "b.png", "-o", out).exit_code == 0
    assert {"a.plic", "b.plic"} == files(here / out)
    assert run("decode", f"{out}/a.plic", f"{out}/b.plic", "-o", "back/").exit_code == 0
    assert {"a.png", "b.png"} == files(here / "back")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["encode", "a.png", "b.png", "-o", "c.plic"], "2 inputs cannot go into one file"),
        (["encode", "nowhere.png", "-o", "c.plic"], "nowhere.png"),
        (["encode", "a.txt", "-o", "c.plic"], "a.txt"),
        (["encode", "a.png", "-o", "old.plic"], "old.plic exists\n  next:     add -f to overwrite it"),
        (["encode", "a.png", "-o", "a.png", "-f"], "overwritten by its own result"),
        (["encode", "a.png", "sub/a.png", "-o", "new/"], "two inputs would be written to the same file"),
        (["encode", "a.png", "-o", "no/such/c.plic"], "no/such"),
        (["encode", "a.png", "-o", "c.plic", "--model", "nothing"], "no weights are shipped for 'nothing'"),
        (["encode", "a.png", "-o", "c.plic", "--coder", "broken"], "no coder is called 'broken'"),
        (["decode", "a.png", "-o", "c.png"], "this is not a .plic file\n  got:      a PNG picture"),
        (["decode", "good.plic", "-o", "c.xyz"], "no picture format is known by this extension"),
        (["decode", "cut.plic", "-o", "c.png"], "the stream is damaged"),
        (["inspect", "nowhere.plic"], "no such file"),
        (["inspect", "a.txt"], "this is not a .plic file\n  got:      text"),
        (["recipes", "hause"], "no recipe is called 'hause'"),
        (["recipes", "bad.yaml"], "bad.yaml:2: the key 'plic' appears twice"),
        (["train", "hause", "--data", ".", "--out", "o"], "no recipe is called 'hause'"),
        (["train", "house", "--data", ".", "--out", "o", "--set", "head"], "--set head: not an override"),
        (["train", "house", "--data", ".", "--out", "o", "--set", "haed.use=a"], "near:     head"),
    ],
)
def test_errors_are_messages_and_leave_nothing_behind(here: Path, arguments: list[str], message: str) -> None:
    Path("a.txt").write_text("hello")
    Path("old.plic").write_text("old")
    Path("sub").mkdir()
    Image.new("RGB", (6, 4)).save("sub/a.png")
    Path("bad.yaml").write_text("plic: 1\nplic: 1\n")
    good = FakeCodec().encode(Picture(np.zeros((4, 6, 3), np.uint8)))
    Path("good.plic").write_bytes(good)
    Path("cut.plic").write_bytes(good[:-1])
    before = files(here)
    assert message in refused(*arguments)
    assert files(here) == before
    assert Path("old.plic").read_text() == "old"


def test_force_overwrites(here: Path) -> None:
    Path("c.plic").write_text("old")
    assert run("encode", "a.png", "-o", "c.plic", "-f").exit_code == 0
    assert Path("c.plic").read_bytes() != b"old"


def test_files_before_a_bad_one_are_whole(here: Path) -> None:
    Path("b.png").write_bytes(b"\x89PNG but not really")
    result = run("encode", "a.png", "b.png", "-o", "out/")
    assert result.exit_code == 2
    assert "plic: this is not a picture that plic can read" in result.stderr
    assert files(here / "out") == {"a.plic"}
    assert run("inspect", "out/a.plic").exit_code == 0


def test_debug_shows_the_traceback(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIC_DEBUG", "1")
    with pytest.raises(PlicError):
        run("inspect", "nowhere.plic")


def test_warnings_are_one_line(here: Path) -> None:
    Image.new("I;16", (6, 4)).save("deep.png")
    result = run("encode", "deep.png", "-o", "deep.plic")
    assert result.exit_code == 0
    assert result.stderr.startswith("plic: warning: ")
    assert ".py" not in result.stderr


# --- inspect, recipes, plugins --------------------------------------------------------------------------------------


def test_inspect(here: Path) -> None:
    run("encode", "a.png", "-o", "a.plic")
    assert "6 x 4" in run("inspect", "a.plic").stdout
    assert json.loads(run("inspect", "a.plic", "--json").stdout)["width"] == 6


def test_recipes_are_listed() -> None:
    assert "house" in run("recipes").stdout


def test_recipe_is_shown_with_figures() -> None:
    out = run("recipes", "house").stdout
    for word in ("transform: {use: ", "parameters", "multiply-accumulates per pixel", "for 768x512"):
        assert word in out


def test_schema_is_json() -> None:
    assert json.loads(run("recipes", "--schema").stdout)["title"] == "plic recipe"


def test_plugins() -> None:
    assert "plic (built-in)" in run("plugins").stdout
    facts = json.loads(run("plugins", "--json").stdout)
    assert facts["plugins"][0]["status"] == "loaded"
    assert facts["parts"]["distortion"]["mse"] == "plic (built-in)"


def test_broken_plugin_is_shown_and_harms_nothing(tmp_path: Path) -> None:
    from fakes import write_distribution

    write_distribution(tmp_path, "plic-broken", "raise RuntimeError('boom')\n")
    paths = [str(tmp_path), *filter(None, sys.path)]
    for arguments in (["--help"], ["plugins"], ["recipes", "house"]):
        code = f"import sys; sys.path[:0] = {paths!r}; from plic.cli import main; main({arguments!r})"
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        if arguments == ["plugins"]:
            assert "failed   plic-broken 1.0" in result.stdout
            assert "RuntimeError: boom" in result.stdout


def test_help_is_fast_and_light() -> None:
    code = (
        "import sys\nfrom plic.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "import time\nprint(time.process_time(), {'torch', 'numpy', 'numba', 'pydantic', 'yaml'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, heavy = result.stdout.splitlines()[-1].split(" ", 1)
    assert heavy == "set()"
    assert float(seconds) < 0.3


def test_version() -> None:
    assert run("--version").stdout.startswith("plic ")
