"""Show what the codec does to colour, flat areas and text: decoded pictures at three rates beside their originals.

::

    python docs/contact_sheet.py                                      # write docs/contact-sheet.png
    python docs/contact_sheet.py --weights run/weights.safetensors --quality 1 --quality 4 --quality 7 -o sheet.png

Pictures of 512x384 are encoded and decoded whole; the sheet shows the same part of each, pixel by pixel. All figures
are of the whole picture and of the real bytes of its file. The same figures are printed, with two measures of patterns:

*grid*: how much the error changes from one pixel to the next where a multiple of 8 or 16 lies between them, divided by
how much it does elsewhere, both where the picture itself is smooth; the larger of both directions. 1 means no tiles.

*checker*: the error's power at the frequency of a checkerboard, divided by that of its eight neighbours among the
frequencies of 8x8 fields. Fields are the means of 1, 2, 4, 8 or 16 pixels squared; the largest quotient counts, and its
fields are named. 1 means no checkerboard; chance alone gives up to about 1.5 for large fields.

Neither counts differences far below a grey level. The three qualities are those that come nearest to 0.15, 0.4 and 1
bit per pixel on the two photographs of scikit-image. The row of foliage is left out where scikit-learn, which brings
that picture, is not installed. `contact_pictures.py` says whose the pictures are.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from contact_pictures import CONTENTS, HEIGHT, WIDTH, skin, sky
from PIL import Image, ImageDraw, ImageFont

import plic
from plic.core.evaluation import psnr
from plic.core.files import write_atomically
from plic.core.frozen import FrozenCodec
from plic.core.image import read_picture

Pixels = npt.NDArray[np.uint8]
Errors = npt.NDArray[np.float64]

SHEET = Path(__file__).resolve().parent / "contact-sheet.png"
RATES = (0.15, 0.4, 1.0)
"""Bits per pixel that the default qualities are chosen for, the mean of skin and sky."""
BOUND = 0.5
"""Grey levels by which the mean of a channel may change; figures beyond are marked."""
FLOOR = 0.1
"""Grey levels: differences far below do not count as a pattern."""
SMOOTH = 8
"""Grey levels between neighbours beyond which a step of the error is hidden by the picture's own."""
FIELDS = (1, 2, 4, 8, 16)
"""Sides of the fields of checkerboards that are looked for, in pixels."""


# --- what is measured -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Version:
    """A picture as one file has it.

    Attributes:
        quality: level of the file.
        size: of the file, in bytes.
        pixels: as decoded, uint8 ``(H, W, 3)``.
        original: what it was made from.
    """

    quality: float
    size: int
    pixels: Pixels
    original: Pixels

    @property
    def bpp(self) -> float:
        """Bits per pixel."""
        return 8 * self.size / (self.pixels.size / 3)

    @property
    def error(self) -> Errors:
        """Decoded minus original, in grey levels, ``(H, W, 3)``."""
        return self.pixels.astype(np.float64) - self.original

    @property
    def shift(self) -> dict[str, float]:
        """Mean error of each channel, in grey levels."""
        return dict(zip("RGB", self.error.mean(axis=(0, 1)).tolist(), strict=True))

    @property
    def largest_shift(self) -> tuple[str, float]:
        """The channel whose mean error is largest, and that error."""
        return max(self.shift.items(), key=lambda item: abs(item[1]))


def version(codec: FrozenCodec, picture: Image.Image, quality: float) -> Version:
    """Encode and decode."""
    data = codec.encode(picture, quality=quality)
    return Version(quality, len(data), codec.decode_picture(data).pixels, np.asarray(picture))


def grid_ratio(original: Pixels, decoded: Pixels, tile: int) -> float:
    """How many times as much the error changes across tile borders as elsewhere, the larger of both directions.

    Args:
        original: uint8 ``(H, W, 3)``, both sides longer than a tile.
        decoded: likewise.
        tile: pixels, a multiple of 8.
    """
    content = original.astype(np.float64)
    error, ratios = decoded - content, []
    for axis in (0, 1):
        changes = np.abs(np.diff(error, axis=axis)).mean(axis=2)
        smooth = np.abs(np.diff(content, axis=axis)).max(axis=2) <= SMOOTH
        second = np.indices(changes.shape)[axis] + 1  # of the two pixels
        border, inside = changes[smooth & (second % tile == 0)], changes[smooth & (second % 8 != 0)]
        if border.size and inside.size:
            ratios.append(float((border.mean() + FLOOR) / (inside.mean() + FLOOR)))
    return max(ratios, default=1.0)


def checker_ratio(error: Errors) -> tuple[float, int]:
    """The error's power at a checkerboard's frequency against that around it, and the side of a field that has most.

    Args:
        error: grey levels, ``(H, W, 3)``, both sides at least 128 pixels.
    """
    return max((_checker(error, field), field) for field in FIELDS)


def _checker(error: Errors, field: int) -> float:
    height, width = (side // field for side in error.shape[:2])
    cut = error[: height * field, : width * field]
    means = cut.reshape(height, field, width, field, 3).mean(axis=(1, 3))
    window = np.outer(np.hanning(9)[:8], np.hanning(9)[:8])
    blocks = np.lib.stride_tricks.sliding_window_view(means, (8, 8), axis=(0, 1))[::4, ::4]  # (a, b, 3, 8, 8)
    levelled = blocks - blocks.mean(axis=(-2, -1), keepdims=True)
    power = np.square(np.abs(np.fft.fft2(levelled * window))).mean(axis=(0, 1, 2))
    nyquist, floor = power[4, 4], (FLOOR * window.sum()) ** 2
    around = (power[3:6, 3:6].sum() - nyquist) / 8
    return float((nyquist + floor) / (around + floor))


def near_rates(codec: FrozenCodec) -> list[float]:
    """The whole qualities whose mean rates on skin and sky are nearest to `RATES`, each once, in rising order."""
    pictures = [read_picture(photograph) for photograph in (skin(), sky())]
    transformed = codec.transformed(pictures)

    def rate(level: int) -> float:
        coded = codec.encode_latents(pictures, codec.latents_at(transformed, level), quality=level)
        return 8 * sum(len(one.data) for one in coded) / (WIDTH * HEIGHT * len(pictures))

    rates = [rate(level) for level in range(codec.networks.rate.levels)]
    return sorted({min(range(len(rates)), key=lambda level: abs(math.log(rates[level] / near))) for near in RATES})


# --- the sheet ------------------------------------------------------------------------------------------------------

CELL = 360, 196
GAP = 22
TOP = 76
CAPTION = 46
INK, DIM, PAPER, MARK = "#f2f2f0", "#a9adb3", "#17191d", "#ff7a6b"


def sheet(title: str, rows: Mapping[str, Sequence[Version]]) -> Image.Image:
    """A row for each content and a column for each version of it, after the original."""
    columns = 1 + max(len(versions) for versions in rows.values())
    step = CELL[1] + CAPTION + GAP
    image = Image.new("RGB", (columns * (CELL[0] + GAP) + GAP, TOP + step * len(rows)), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((GAP, 10), title, INK, ImageFont.load_default(26))
    about = (
        "Shown 1:1, in part; figures of all 512 x 384 pixels. Shift: largest mean error of a channel, in grey levels"
    )
    draw.text((GAP, 44), f"{about}; red from {BOUND}.", DIM, ImageFont.load_default(17))
    for index, (name, versions) in enumerate(rows.items()):
        _row(image, TOP + index * step, name, versions)
    return image


def _row(image: Image.Image, top: int, name: str, versions: Sequence[Version]) -> None:
    draw = ImageDraw.Draw(image)
    left, upper = CONTENTS[name].corner
    cells = [versions[0].original, *(one.pixels for one in versions)]
    for index, pixels in enumerate(cells):
        at = GAP + index * (CELL[0] + GAP)
        title, figures, colour = (name, CONTENTS[name].about, DIM) if index == 0 else _caption(versions[index - 1])
        draw.text((at, top), title, INK, ImageFont.load_default(18))
        draw.text((at, top + 23), figures, colour, ImageFont.load_default(15 if index else 13))
        part = Image.fromarray(pixels).crop((left, upper, left + CELL[0], upper + CELL[1]))
        image.paste(part, (at, top + CAPTION))


def _caption(one: Version) -> tuple[str, str, str]:
    channel, shift = one.largest_shift
    figures = f"PSNR {psnr(one.original, one.pixels):.2f} dB   shift {shift:+.3f} ({channel})"
    return f"quality {one.quality:g}   {one.bpp:.3f} bpp", figures, DIM if abs(shift) < BOUND else MARK


def table(rows: Mapping[str, Sequence[Version]]) -> Iterator[str]:
    """The lines that are printed."""
    head = ("content", "quality", "bpp", "PSNR", "R", "G", "B", "grid 8", "grid 16", "checker", "fields")
    form = "{:<10}" + " {:>8}" * (len(head) - 1)
    yield form.format(*head)
    for name, versions in rows.items():
        for one in versions:
            figures = f"{one.bpp:.3f}", f"{psnr(one.original, one.pixels):.2f}"
            shift = (f"{mean:+.3f}" for mean in one.shift.values())
            grids = (f"{grid_ratio(one.original, one.pixels, tile):.2f}" for tile in (8, 16))
            checker, field = checker_ratio(one.error)
            line = form.format(name, f"{one.quality:g}", *figures, *shift, *grids, f"{checker:.2f}", field)
            yield line if abs(one.largest_shift[1]) < BOUND else f"{line}  shifted"


@click.command()
@click.option("--weights", metavar="RECIPE|FILE", help="Recipe or weights file; plic's default codec when not given.")
@click.option(
    "--quality", "qualities", type=float, multiple=True, metavar="N", help="A column; chosen by rate if none."
)
@click.option("--only", multiple=True, type=click.Choice(list(CONTENTS)), help="These rows only.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=SHEET, help="The PNG.")
def main(weights: str | None, qualities: tuple[float, ...], only: tuple[str, ...], out: Path) -> None:
    """Write docs/contact-sheet.png and print its figures."""
    names = [name for name in CONTENTS if name in only or not only]
    if "foliage" in names and not only and find_spec("sklearn") is None:
        click.echo("warning: no foliage, which takes a picture that comes with scikit-learn", err=True)
        names.remove("foliage")
    try:
        codec = plic.load(weights)
        pictures = {name: CONTENTS[name].make() for name in names}
        levels = qualities or near_rates(codec)
        rows = {name: [version(codec, pictures[name], codec.level(level)) for level in levels] for name in names}
    except plic.PlicError as error:
        raise click.ClickException(str(error)) from error
    for line in table(rows):
        click.echo(line)
    buffer = io.BytesIO()
    sheet(f"{codec.recipe.name}, weights {codec.fingerprint.hex()}", rows).save(buffer, "PNG", optimize=True)
    write_atomically(out, buffer.getvalue())
    click.echo(f"\nwrote {out} ({len(buffer.getvalue()):,} bytes)")


if __name__ == "__main__":
    main()
