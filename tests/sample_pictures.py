"""Small pictures, a colour profile, and PNG files of any kind."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
_RNG = np.random.default_rng(7)
COLOUR = _RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY = _RNG.integers(0, 256, (5, 7), dtype=np.uint8)
ALPHA = _RNG.integers(0, 256, (5, 7), dtype=np.uint8)


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, key: bytes = b"") -> bytes:
    """A PNG of any bit depth, written by hand: Pillow cannot write most of those with 16 bits."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    middle = chunk(b"tRNS", key) if key else b""
    chunks = chunk(b"IHDR", head) + middle + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def rgb_png(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.fromarray(COLOUR).save(path)
    return path
