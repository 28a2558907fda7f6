"""Picture files: written without loss, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from sample_pictures import ALPHA, COLOUR, GREY

from plic.core.errors import FileError, ImageError
from plic.core.files import read_file, write_atomically
from plic.core.image import (
    Picture,
    read_picture,
    write_picture,
)


@pytest.mark.parametrize("extension", ["png", "webp", "tif", "tiff", "bmp", "ppm", "PNG"])
def test_written_pictures_are_lossless(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{extension}"
    write_picture(Picture(COLOUR), path)
    assert (read_picture(path).pixels == COLOUR).all()


@pytest.mark.parametrize("extension", ["png", "webp", "tif"])
@pytest.mark.parametrize("grey", [False, True])
def test_written_alpha_is_lossless(extension: str, grey: bool, tmp_path: Path) -> None:
    path = tmp_path / f"a.{extension}"
    pixels = np.repeat(GREY[..., None], 3, axis=2) if grey else COLOUR
    write_picture(Picture(pixels, ALPHA, grey=grey), path)
    picture = read_picture(path)
    assert (picture.pixels == pixels).all()
    assert picture.alpha is not None
    assert (picture.alpha == ALPHA).all()


def test_grey_pgm_and_jpeg(tmp_path: Path) -> None:
    write_picture(Picture(np.repeat(GREY[..., None], 3, axis=2), grey=True), tmp_path / "a.pgm")
    assert (read_picture(tmp_path / "a.pgm").pixels[..., 0] == GREY).all()
    flat = np.full((16, 16, 3), 99, np.uint8)
    write_picture(Picture(flat), tmp_path / "a.jpg")
    assert np.abs(read_picture(tmp_path / "a.jpg").pixels.astype(int) - 99).max() <= 2


def test_what_a_format_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"write a PNG instead: .*a\.png"):
        write_picture(Picture(COLOUR, ALPHA), tmp_path / "a.jpg")
    with pytest.raises(ImageError, match="PGM"):
        write_picture(Picture(COLOUR), tmp_path / "a.pgm")
    with pytest.raises(ImageError, match=r"\.png, ") as caught:
        write_picture(Picture(COLOUR), tmp_path / "a.pnk")
    assert ".png" in caught.value.near
    with pytest.raises(ImageError, match="it has none"):
        write_picture(Picture(COLOUR), tmp_path / "a")
    with pytest.raises(ImageError, match="cannot write"):
        write_picture(Picture(np.zeros((1, 70000, 3), np.uint8)), tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    write_atomically(path, b"old")
    path.chmod(0o640)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(FileError, match="No space left"):
        write_atomically(path, b"other")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_follows_links_and_spares_devices(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomically(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"x"
    write_atomically("/dev/null", b"x")
    assert not Path("/dev/null").is_file()


def test_where_files_cannot_be_written_or_read(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="mkdir -p"):
        write_atomically(tmp_path / "none" / "a", b"")
    with pytest.raises(FileError, match="folder"):
        write_atomically(tmp_path, b"")
    with pytest.raises(FileError, match="cannot be read"):
        read_file(tmp_path)
    (tmp_path / "kodim01.plic").write_bytes(b"data")
    with pytest.raises(FileError, match="no such file") as caught:
        read_file(tmp_path / "kodim1.plic")
    assert caught.value.near == ("kodim01.plic",)
    assert read_file(tmp_path / "kodim01.plic") == b"data"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_missing_permission_has_a_hint(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FileError, match="permissions"):
        write_atomically(tmp_path / "a", b"")
    tmp_path.chmod(0o700)
