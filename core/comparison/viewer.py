"""What the page's viewer of pictures reads: captions as text, and pictures by the id of the element that holds them.

Each picture is an element of its own, so that the browser takes up only those that are looked at.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..evaluation import ms_ssim_db
from .formats import NONE, decibels
from .pictures import Decoded, Gallery, Shown


@dataclass(frozen=True)
class _Side:
    """One side of the viewer: a decoded picture, its choice in a list and its caption."""

    quality: str
    choice: str
    caption: str
    image: int


@dataclass(frozen=True)
class _Model:
    label: str
    sides: list[_Side]


@dataclass(frozen=True)
class _Picture:
    name: str
    width: int
    height: int
    caption: str
    image: int
    models: list[_Model]


@dataclass(frozen=True)
class Viewer:
    """The viewer's data.

    Attributes:
        pictures: as plain values for JSON.
        images: data URIs; ``pictures`` refers to them by index.
    """

    pictures: list[dict[str, Any]]
    images: list[str]


def viewer_data(gallery: Gallery) -> Viewer:
    """Captions and indices of images for the page's script."""
    images: list[str] = []
    return Viewer([asdict(_picture(shown, images)) for shown in gallery.pictures], images)


def _picture(shown: Shown, images: list[str]) -> _Picture:
    return _Picture(
        name=shown.name,
        width=shown.shown[0],
        height=shown.shown[1],
        caption=_size(shown),
        image=_index(shown.uri, images),
        models=[_Model(one.label, [_side(decoded, images) for decoded in one.decoded]) for one in shown.models],
    )


def _size(shown: Shown) -> str:
    whole = f"{shown.size[0]} x {shown.size[1]} pixels"
    return whole if shown.shown == shown.size else f"{whole}, shown reduced to {shown.shown[0]} x {shown.shown[1]}"


def _side(decoded: Decoded, images: list[str]) -> _Side:
    similarity = decoded.ms_ssim
    known = similarity == similarity  # NaN for small pictures
    structural = f"{similarity:.4f} ({decibels(ms_ssim_db(similarity))})" if known else NONE
    return _Side(
        quality=decoded.quality,
        choice=f"{decoded.quality}: {decoded.bpp:.3f} bpp",
        caption=" \N{MIDDLE DOT} ".join(
            (f"{decoded.bpp:.4f} bpp", f"PSNR {decibels(decoded.psnr)}", f"MS-SSIM {structural}")
        ),
        image=_index(decoded.uri, images),
    )


def _index(uri: str, images: list[str]) -> int:
    images.append(uri)
    return len(images) - 1
