"""What does not pass through the codec: the alpha plane and the ICC profile, kept without loss.

Both are read back from streams that may be hostile: sizes are checked before anything is decoded.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image, features

from ..errors import DamagedStream, ImageError, StreamLimit
from .picture import Bytes

_MAX_PROFILE = 2**24  # 16 MiB, as Limits.max_metadata of the container
_WEBP_SIDE = 2**14 - 1
_PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"
_PNG_GREY8 = b"\x08\0"  # bit depth 8, colour type greyscale


def encode_plane(alpha: Bytes) -> bytes:
    """An alpha plane without loss: as PNG or lossless WebP, whichever is smaller.

    Args:
        alpha: uint8 ``(H, W)``.

    Raises:
        ImageError: it is not such an array.
    """
    if alpha.dtype != np.uint8 or alpha.ndim != 2 or alpha.size == 0:
        got = f"{alpha.dtype} {alpha.shape}"
        raise ImageError("this is not an alpha plane", got=got, expected="uint8 (H, W), at least 1x1")
    image = Image.fromarray(alpha)
    candidates = [_saved(image, "PNG", optimize=True)]
    if max(alpha.shape) <= _WEBP_SIDE and features.check("webp"):
        candidates.append(_saved(image, "WEBP", lossless=True, quality=80, method=4))
    return min(candidates, key=len)


def decode_plane(data: bytes, width: int, height: int) -> Bytes:
    """The alpha plane, uint8 ``(height, width)``, that :func:`encode_plane` coded.

    Raises:
        DamagedStream: the data is damaged, or its size is not the picture's.
        StreamLimit: it is larger than Pillow's own limit.
    """
    size = _declared_size(data)
    if size != (width, height):
        expected = f"{width}x{height}"
        raise _damaged("alpha", "its size is not the picture's", got=f"{size[0]}x{size[1]}", expected=expected)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "WEBP")) as image:
            # a second IHDR chunk may contradict the first, so the size is checked again before pixels are decoded
            honest = image.size == size and image.mode in ("L", "RGB")
            plane = np.array(image.getchannel(0)) if honest else None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        hint = "if you trust the file, raise PIL.Image.MAX_IMAGE_PIXELS"
        raise StreamLimit("the alpha plane is larger than Pillow's limit", got=error, hint=hint) from error
    except MemoryError:
        raise
    except Exception as error:  # decoders of damaged data raise anything
        raise _damaged("alpha", str(error) or type(error).__name__) from error
    if plane is None:
        raise _damaged("alpha", "it declares two different sizes or modes")
    return plane


def encode_profile(icc: bytes) -> bytes:
    """An ICC profile, compressed by zlib.

    Raises:
        ImageError: it is longer than 16 MiB, which no decoder would accept.
    """
    if len(icc) > _MAX_PROFILE:
        hint = "drop the profile: image.info.pop('icc_profile')"
        raise ImageError("the ICC profile is too long", got=f"{len(icc)} bytes", expected=f"{_MAX_PROFILE}", hint=hint)
    return zlib.compress(icc, 9)


def decode_profile(data: bytes, max_bytes: int = _MAX_PROFILE) -> bytes:
    """The ICC profile that :func:`encode_profile` coded.

    Args:
        data: the section's payload.
        max_bytes: size of the profile that is accepted at most; nothing larger is ever unpacked.

    Raises:
        DamagedStream: the data is damaged.
        StreamLimit: the profile is larger than ``max_bytes``.
    """
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(data, max_bytes + 1)
    except zlib.error as error:
        raise _damaged("icc", str(error)) from error
    if len(profile) > max_bytes:
        hint = "if you trust the file, raise Limits(max_metadata=...)"
        expected = f"at most {max_bytes} bytes"
        raise StreamLimit("the ICC profile is larger than the limit", got="more", expected=expected, hint=hint)
    if not unpacker.eof or unpacker.unused_data:
        raise _damaged("icc", "its compressed data has the wrong length")
    return profile


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _declared_size(data: bytes) -> tuple[int, int]:
    """(width, height) from the first bytes: Pillow's WebP reader would allocate the whole canvas when it opens."""
    if data.startswith(_PNG_START) and data[24:26] == _PNG_GREY8:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8L" and data[20:21] == b"\x2f" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")  # width - 1 and height - 1 of 14 bits each
        return (bits & _WEBP_SIDE) + 1, (bits >> 14 & _WEBP_SIDE) + 1
    raise _damaged("alpha", "neither a greyscale PNG nor a lossless WebP picture")


def _damaged(section: str, reason: str, *, got: object = None, expected: object = None) -> DamagedStream:
    hint = "fetch or copy the file again; it is not as plic wrote it"
    return DamagedStream(f"the stream is damaged: {section}: {reason}", got=got, expected=expected, hint=hint)
