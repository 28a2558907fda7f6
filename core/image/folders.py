"""Pictures in folders."""

from __future__ import annotations

from pathlib import Path

from ..errors import FileError, PlicError

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


def find_pictures(folder: str | Path) -> list[Path]:
    """The picture files below a folder, sorted by path.

    Raises:
        FileError: there is no such folder.
        PlicError: it holds no pictures.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileError("there is no such folder", got=str(folder), hint="give a folder of pictures with --data")
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise PlicError(
            "the folder holds no pictures",
            got=str(folder),
            expected=f"files ending in {', '.join(sorted(SUFFIXES))}",
            hint="give another folder with --data",
        )
    return found
