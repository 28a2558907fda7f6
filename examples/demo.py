"""Encode a photograph, decode it again, and put the result beside WebP and JPEG files of the same size.

::

    python examples/demo.py                           a photograph that comes with scikit-image
    python examples/demo.py --image my.png --quality 3

writes into the folder ``demo``: NAME.plic, the decoded NAME.png, and comparison.png; prints sizes, qualities and times.
"""

from __future__ import annotations

import io
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

import plic
from plic.core.evaluation import ms_ssim, psnr
from plic.core.files import read_file, write_atomically
from plic.core.frozen import FrozenCodec
from plic.core.image import Picture, read_picture, write_picture
from plic.core.stages import StageTimes

Pixels = npt.NDArray[np.uint8]

STAGES = {
    "image": "image",
    "transform": "transform",
    "probability": "probability networks",
    "coder": "coder",
    "total": "total",
}


@dataclass(frozen=True)
class Version:
    """The picture as one file has it.

    Attributes:
        format: name of the format.
        setting: quality in the format's own terms.
        size: of the file, in bytes.
        pixels: as decoded.
        original: what it was made from.
    """

    format: str
    setting: str
    size: int
    pixels: Pixels
    original: Pixels

    @property
    def bpp(self) -> float:
        """Bits per pixel."""
        return 8 * self.size / (self.pixels.size / 3)

    @property
    def similarity(self) -> float:
        """MS-SSIM."""
        return ms_ssim(self.original, self.pixels)

    @property
    def ratio(self) -> float:
        """PSNR in dB."""
        return psnr(self.original, self.pixels)


@click.command()
@click.option("--image", "source", metavar="FILE", help="Picture; by default a photograph that scikit-image brings.")
@click.option("--out", default="demo", show_default=True, metavar="FOLDER", help="Where the results go.")
@click.option("--quality", type=click.IntRange(min=0), metavar="N", help="Level of the files; the middle by default.")
@click.option("--model", metavar="NAME|FILE", help="Recipe or weights file; plic's default codec when not given.")
def main(source: str | None, out: str, quality: int | None, model: str | None) -> None:
    """Encode a photograph, decode it, and compare."""
    try:
        run(Path(source) if source else photograph(), Path(out), quality, model)
    except plic.PlicError as error:
        raise click.ClickException(str(error)) from error


def run(path: Path, out: Path, quality: int | None, model: str | None) -> None:
    """The whole demonstration."""
    read = read_picture(path)
    picture = Picture(read.pixels, icc=read.icc)  # JPEG has neither alpha nor the marking of grey
    codec = plic.load(model)
    levels = codec.networks.rate.levels
    level = codec.level((levels - 1) // 2 if quality is None else quality)
    out.mkdir(parents=True, exist_ok=True)
    coded, decoded = out / f"{path.stem}.plic", out / f"{path.stem}.png"

    code(codec, picture, level, coded)  # once to warm up
    ours, encoding, decoding = code(codec, picture, level, coded)
    write_picture(Picture(ours.pixels, icc=picture.icc), decoded)
    webp = nearest("WebP", partial(save, "WebP", picture, method=6), range(101), ours)
    jpeg = nearest("JPEG", partial(save, "JPEG", picture, optimize=True), range(1, 96), ours)
    others = [
        code(codec, picture, other, out / f"{path.stem}.q{other}.plic")[0]
        for other in (level - 2, level + 2)
        if 0 <= other < levels
    ]
    original = Version("original", "", path.stat().st_size, picture.pixels, picture.pixels)
    comparison([original, ours, webp, jpeg]).save(out / "comparison.png")

    click.echo(f"{path.name}: {picture.width} x {picture.height}, {original.size:,} bytes, {original.bpp:.2f} bpp\n")
    table(quality_rows([*sorted([ours, *others], key=lambda version: version.size), webp, jpeg]))
    click.echo(f"\nseconds at quality {level}, after one warm-up")
    table(time_rows(encoding, decoding))
    click.echo(f"\nwrote {coded}, {decoded} (decoded from it) and {out / 'comparison.png'}")


def photograph() -> Path:
    """A photograph that is part of the scikit-image package: lossless, free of rights, with wood, glaze and steel."""
    try:
        import skimage
    except ImportError as error:
        raise click.ClickException("give a picture with --image, or: pip install scikit-image") from error
    return Path(skimage.__file__).parent / "data" / "coffee.png"


# --- coding ---------------------------------------------------------------------------------------------------------


def code(codec: FrozenCodec, picture: Picture, quality: float, path: Path) -> tuple[Version, StageTimes, StageTimes]:
    """Encode into a file and decode from it."""
    encoding, decoding = StageTimes(), StageTimes()
    write_atomically(path, codec.encode(picture, quality=quality, times=encoding))
    data = read_file(path)
    pixels = codec.decode_picture(data, times=decoding).pixels
    return Version("plic", str(quality), len(data), pixels, picture.pixels), encoding, decoding


def save(format: str, picture: Picture, quality: int, **options: int) -> bytes:
    """The picture as Pillow writes it."""
    buffer = io.BytesIO()
    Image.fromarray(picture.pixels).save(buffer, format, quality=quality, icc_profile=picture.icc, **options)
    return buffer.getvalue()


def nearest(format: str, write: Callable[[int], bytes], qualities: Sequence[int], target: Version) -> Version:
    """The version whose size comes nearest to that of ``target``."""
    write = cache(write)

    def miss(quality: int) -> int:
        return abs(len(write(quality)) - target.size)

    above = bisect_left(qualities, target.size, key=lambda quality: len(write(quality)))
    quality = min(qualities[max(above - 1, 0) : above + 1], key=miss)
    data = write(quality)
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    return Version(format, str(quality), len(data), pixels, target.original)


# --- what is printed ------------------------------------------------------------------------------------------------


def quality_rows(versions: Sequence[Version]) -> list[tuple[str, ...]]:
    """Sizes and qualities."""
    rows = [
        (
            one.format,
            one.setting,
            f"{one.size:,}",
            f"{one.bpp:.3f}",
            f"{one.ratio:.2f}",
            f"{one.similarity:.4f}",
        )
        for one in versions
    ]
    return [("format", "quality", "bytes", "bpp", "PSNR dB", "MS-SSIM"), *rows]


def time_rows(encoding: StageTimes, decoding: StageTimes) -> list[tuple[str, ...]]:
    """Seconds by stage."""
    rows = [
        (name, *(f"{getattr(times, stage):.3f}" for stage in STAGES))
        for name, times in (("encode", encoding), ("decode", decoding))
    ]
    return [("", *STAGES.values()), *rows]


def table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print columns, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        click.echo("   ".join(["  " + first.ljust(widths[0]), *cells]))


# --- what is drawn --------------------------------------------------------------------------------------------------

CELL = 600
GAP = 20
ZOOM = 3
INK, DIM, PAPER, MARK = "#f2f2f0", "#a9adb3", "#17191d", "#ffd23f"


def comparison(versions: Sequence[Version]) -> Image.Image:
    """A column for each version: what it is, the whole picture, and an enlarged detail of it."""
    height, width = versions[0].pixels.shape[:2]
    side = (min(CELL // ZOOM, width), min(CELL // ZOOM * 2 // 3, height))
    box = detail(versions[0].pixels, *side)
    view = (CELL, round(CELL * height / width))
    zoomed = (CELL, round(CELL * side[1] / side[0]))
    top = 126
    size = ((CELL + GAP) * len(versions) + GAP, top + view[1] + GAP + zoomed[1] + GAP)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, version in enumerate(versions):
        left = GAP + index * (CELL + GAP)
        label(draw, (left, GAP), version)
        image = Image.fromarray(version.pixels)
        sheet.paste(image.resize(view, Image.Resampling.LANCZOS), (left, top))
        scale = CELL / width
        frame = [left + box[0] * scale, top + box[1] * scale, left + box[2] * scale, top + box[3] * scale]
        draw.rectangle(frame, outline=MARK, width=2)
        sheet.paste(image.crop(box).resize(zoomed, Image.Resampling.NEAREST), (left, top + view[1] + GAP))
    return sheet


def label(draw: ImageDraw.ImageDraw, corner: tuple[int, int], version: Version) -> None:
    """Format and figures, above a column."""
    left, top = corner
    lossy = version.format != "original"
    title = f"{version.format}, quality {version.setting}" if lossy else version.format
    draw.text((left, top), title, INK, ImageFont.load_default(34))
    height, width = version.pixels.shape[:2]
    sizes = f"{version.size:,} bytes   {version.bpp:.3f} bpp\n"
    quality = f"PSNR {version.ratio:.2f} dB   MS-SSIM {version.similarity:.4f}"
    sizes += quality if lossy else f"{width} x {height} pixels   the frame below: {ZOOM}x"
    draw.multiline_text((left, top + 42), sizes, DIM, ImageFont.load_default(21), spacing=6)


def detail(pixels: Pixels, width: int, height: int) -> tuple[int, int, int, int]:
    """The window with the most detail in it, the middle preferred: left, top, right, bottom."""
    grey = pixels.mean(axis=2)
    edges = np.abs(np.diff(grey, axis=0, append=grey[-1:])) + np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))
    total = np.pad(edges.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    sums = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    middle = [1 + np.sin(np.linspace(0, np.pi, count + 2)[1:-1]) for count in sums.shape]  # 1 at the border, 2 inside
    top, left = np.unravel_index(int((sums * np.outer(*middle)).argmax()), sums.shape)
    return int(left), int(top), int(left) + width, int(top) + height


if __name__ == "__main__":
    main()
