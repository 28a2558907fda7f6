"""The pictures of the contact sheet: skin, sky, foliage, text, gradients, flat colours, a screenshot.

=========  ============================================================================================================
skin       `astronaut.png` in scikit-image: Eileen Collins, by NASA; public domain
sky        `rocket.jpg` in scikit-image: a rocket at dusk, by SpaceX; public domain
foliage    `china.jpg` in scikit-learn: by danielbuechele, flickr.com/photos/danielbuechele/6061409035; CC BY 2.0, here
           reduced and cropped
the rest   drawn below, with the font that comes with Pillow
=========  ============================================================================================================

Both JPEG files are reduced to 0.9, so that the tiles of their own compression do not lie on multiples of 8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIZE = WIDTH, HEIGHT = 512, 384


# --- photographs ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Content:
    """One row of the sheet.

    Attributes:
        make: gives the picture, RGB of 512x384.
        about: what is seen, and whose it is.
        corner: left and top of the part that is shown.
    """

    make: Callable[[], Image.Image]
    about: str
    corner: tuple[int, int]


def bundled(package: str, path: str, box: tuple[int, int, int, int], scale: float = 1) -> Image.Image:
    """A picture that a package brings, reduced and then cut out. The package is not imported."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise click.ClickException(f"the picture {path} is part of {package}, which is not installed")
    with Image.open(Path(folders[0]) / path) as image:
        size = round(image.width * scale), round(image.height * scale)
        picture = image.convert("RGB")
    return (picture if scale == 1 else picture.resize(size, Image.Resampling.LANCZOS)).crop(box)


def skin() -> Image.Image:
    """A face, and an orange suit."""
    return bundled("skimage", "data/astronaut.png", (0, 0, *SIZE))


def sky() -> Image.Image:
    """A smooth dark sky with thin structures before it."""
    return bundled("skimage", "data/rocket.jpg", (32, 0, 544, 384), 0.9)


def foliage() -> Image.Image:
    """Trees, water and a bright sky."""
    return bundled("sklearn", "datasets/images/china.jpg", (64, 0, 576, 384), 0.9)


# --- drawings -------------------------------------------------------------------------------------------------------

SENTENCE = "The quick brown fox jumps over the lazy dog; 0123456789 (ffi, fl) & @ % = +. "


def text() -> Image.Image:
    """Black on white in seven sizes, and four pairs of colours."""
    image = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)
    top = 3
    for size in (9, 11, 13, 27, 21, 17, 15, 13):
        for shift in (0, 29) if size < 21 else (0,):
            draw.text((9, top), (SENTENCE * 3)[shift : shift + 90], "black", ImageFont.load_default(size))
            top += round(1.27 * size)
    grounds = ("#ffe14d", "#1d3f8f"), ("#f4f4f4", "#a3231f"), ("#c02020", "#bfd9b8"), ("#57e389", "#241f31")
    for index, (ink, ground) in enumerate(grounds):
        left, top = 3 + 183 * (index % 2), 268 + 57 * (index // 2)
        draw.rectangle((left, top, left + 180 + 145 * (index % 2), top + 54), ground)
        draw.text((left + 7, top + 5), SENTENCE[:19], ink, ImageFont.load_default(17))
        draw.text((left + 7, top + 31), SENTENCE[20:48], ink, ImageFont.load_default(11))
    return image


def gradient() -> Image.Image:
    """All hues from black to white, a grey ramp, and two pale gradients, without dither."""
    across = np.linspace(0, 1, WIDTH)[None, :]
    down = np.linspace(0, 1, 190)[:, None]
    hues = 0.5 + 0.5 * np.cos(2 * np.pi * (across[..., None] - np.arange(3) / 3))  # (1, W, 3)
    light, dark = np.clip(2 - 2 * down, 0, 1)[..., None], np.clip(2 * down, 0, 1)[..., None]
    colours = 1 - dark * (1 - hues * light)  # white above, black below
    ramp = np.broadcast_to(across[..., None], (67, WIDTH, 3))
    slope = np.linspace(0, 1, 127)[:, None, None]
    half = slope * across[..., None]
    pale = np.array([0.55, 0.72, 0.95]) + half * np.array([0.4, 0.2, -0.1])
    deep = np.array([0.10, 0.06, 0.14]) + half * np.array([0.25, 0.05, 0.1])
    lower = np.where(across[..., None] < 0.503, pale, deep)
    return Image.fromarray(np.rint(255 * np.concatenate([colours, ramp, lower])).astype(np.uint8))


def flat() -> Image.Image:
    """Areas of one colour each, with hard edges."""
    colours = ["#ffffff", "#000000", "#808080", "#ff0000", "#00ff00", "#0000ff", "#00ffff", "#ff00ff", "#ffff00"]
    colours += ["#f2d3c0", "#8d5a3b", "#87b7e8", "#2f6b2a", "#1a1a2e", "#f7f1e3", "#3a3a3a", "#c8c8c8", "#7a1f2b"]
    colours += ["#e8e8ff", "#0b0b0b"]
    image = Image.new("RGB", SIZE, "#d9d9d9")
    draw = ImageDraw.Draw(image)
    for index, colour in enumerate(colours):
        left, top = 3 + 102 * (index % 5), 5 + 94 * (index // 5)
        draw.rectangle((left, top, left + 97, top + 89), colour)
    return image


CODE = """
from pathlib import Path

def rate(files, pixels):
    # bits for each pixel
    size = sum(len(f) for f in files)
    return 8 * size / pixels

class Folder:
    def __init__(self, path):
        self.path = Path(path)
        self.kind = "pictures"
"""
SYNTAX = {"from": "#c678dd", "import": "#c678dd", "def": "#61afef", "class": "#61afef", "return": "#c678dd"}


def screenshot() -> Image.Image:
    """An editor with a terminal, and a light dialog over it."""
    image = Image.new("RGB", SIZE, "#21252b")
    draw = ImageDraw.Draw(image)
    small, plain = ImageFont.load_default(10), ImageFont.load_default(12)
    draw.rectangle((0, 0, WIDTH, 21), "#373c46")
    draw.text((191, 4), "rate.py - pictures - Editor", "#d7dae0", plain)
    for index, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        draw.ellipse((9 + 17 * index, 6, 19 + 17 * index, 16), colour)
    for index, name in enumerate(("pictures", "codec.py", "rate.py", "README.md", "tests", "setup.cfg", "LICENSE")):
        if name == "rate.py":
            draw.rectangle((0, 27 + 19 * index, 106, 45 + 19 * index), "#3e4451")
        draw.text((13, 30 + 19 * index), name, "#abb2bf", plain)
    draw.rectangle((107, 22, WIDTH, 259), "#282c34")
    for number, line in enumerate(CODE.strip().splitlines()):
        _code_line(draw, 31 + 19 * number, number + 1, line)
    draw.rectangle((107, 260, WIDTH, HEIGHT), "#0c0c0c")
    for index, line in enumerate(("$ python rate.py pictures", "one.png   0.412 bpp", "two.png   0.287 bpp", "$")):
        draw.text((117, 267 + 17 * index), line, "#e5e5e5" if line[0] == "$" else "#16c60c", plain)
    _dialog(draw, (289, 141), small, plain)
    draw.rectangle((0, 367, WIDTH, HEIGHT), "#0e639c")
    draw.text((11, 369), "main    Ln 5, Col 17    Spaces: 4    UTF-8", "white", small)
    return image


def _code_line(draw: ImageDraw.ImageDraw, top: int, number: int, line: str) -> None:
    font = ImageFont.load_default(12)
    draw.text((117, top), f"{number:>2}", "#5c6370", font)
    left = 141.0 + 6 * (len(line) - len(line.lstrip()))
    comment = line.lstrip().startswith("#")
    for word in line.split():
        colour = "#7f848e" if comment else "#98c379" if '"' in word else SYNTAX.get(word, "#d4d4d4")
        draw.text((left, top), word, colour, font)
        left += font.getlength(word + " ")


def _dialog(draw: ImageDraw.ImageDraw, corner: tuple[int, int], small: Any, plain: Any) -> None:
    left, top = corner
    draw.rectangle((left, top, left + 189, top + 106), "#f6f6f6", "#8a8a8a")
    draw.text((left + 13, top + 11), "Save changes to rate.py?", "#1a1a1a", plain)
    draw.text((left + 13, top + 33), "They are lost if you do not.", "#5e5e5e", small)
    draw.rectangle((left + 13, top + 53, left + 173, top + 61), "#dcdcdc")
    draw.rectangle((left + 13, top + 53, left + 107, top + 61), "#2f7cf6")
    draw.rounded_rectangle((left + 27, top + 73, left + 92, top + 94), 5, "#ffffff", "#b5b5b5")
    draw.text((left + 43, top + 77), "Cancel", "#1a1a1a", plain)
    draw.rounded_rectangle((left + 109, top + 73, left + 174, top + 94), 5, "#2f7cf6")
    draw.text((left + 128, top + 77), "Save", "#ffffff", plain)


CONTENTS: Mapping[str, Content] = {
    "skin": Content(skin, "astronaut.png, scikit-image: NASA, public domain", (112, 4)),
    "sky": Content(sky, "rocket.jpg, scikit-image: SpaceX, public domain, reduced", (100, 110)),
    "foliage": Content(foliage, "china.jpg, scikit-learn: danielbuechele, CC BY 2.0, reduced", (128, 144)),
    "text": Content(text, "drawn, with the font of Pillow", (0, 184)),
    "gradient": Content(gradient, "computed, without dither", (64, 120)),
    "flat": Content(flat, "drawn", (40, 60)),
    "screenshot": Content(screenshot, "drawn", (100, 100)),
}
