"""Seconds from file to file, beside CompressAI's bmshj2018-hyperprior in the same rounds.

::

    python benchmarks/files.py
    python benchmarks/files.py --image kodim01.png --image kodim15.png --threads 2 --rounds 21

Encoding reads a picture file and writes a stream; decoding reads the stream and writes a picture: once as PPM, which
takes next to no time, and once as PNG, which does not. Codecs are loaded before the rounds, and nothing else is kept
from one file to the next. Freed memory is kept, as by `plic encode` and `plic decode`; CompressAI has as much of that.

CompressAI is optional; README.md says how it is installed. Its networks have random weights. They take as long as
trained ones, but give latents next to zero and pictures of noise. So the last layers of its analysis and of its hyper
synthesis are set such that every channel of the latent has one standard deviation and the entropy model expects just
that; and it computes its own picture but writes the one that plic decoded, as PNGs of noise take another time.
"""

from __future__ import annotations

import struct
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import click
import torch
from coding import photograph
from rivals import has_compressai, import_compressai
from torch import Tensor

import plic
from plic.core.files import read_file, write_atomically
from plic.core.frozen import FrozenCodec
from plic.core.image import Picture, crop, from_tensor, pad, read_picture, to_tensor, write_picture
from plic.core.memory import keep_freed_memory

WIDTHS = (128, 192)
"""Channels of CompressAI's bmshj2018-hyperprior at its qualities 1 to 5."""
STRIDE = 64
DEVIATION = 0.27
"""Of CompressAI's latents, in steps: its files come out about as large as those of plic's middle qualities."""
WORKS = ("encode", "decode to .ppm", "decode to .png")


class Codec(Protocol):
    """Codes from file to file."""

    @property
    def name(self) -> str:
        """For the table."""

    def encode(self, source: Path, stream: Path) -> None:
        """A picture file to a stream."""

    def decode(self, stream: Path, target: Path) -> None:
        """A stream to a picture file."""


@dataclass(frozen=True)
class Plic:
    """What `plic encode` and `plic decode` do, once the weights are loaded."""

    name: str
    codec: FrozenCodec
    quality: float

    def encode(self, source: Path, stream: Path) -> None:
        """As `Codec.encode`."""
        write_atomically(stream, self.codec.encode(read_picture(source), quality=self.quality))

    def decode(self, stream: Path, target: Path) -> None:
        """As `Codec.decode`."""
        write_picture(self.codec.decode_picture(read_file(stream)), target)


@dataclass(frozen=True)
class Rival:
    """CompressAI's ``compress`` and ``decompress``; pictures are read and written as plic reads and writes them.

    Attributes:
        name: for the table.
        model: with its tables made.
        shown: the picture that is written in place of the noise that was decoded.
    """

    name: str
    model: Any
    shown: Picture

    @torch.inference_mode()
    def encode(self, source: Path, stream: Path) -> None:
        """As `Codec.encode`."""
        picture = read_picture(source)
        coded = self.model.compress(pad(to_tensor(picture), STRIDE))
        (y,), (z,) = coded["strings"]
        head = struct.pack("<5I", picture.width, picture.height, *coded["shape"], len(y))
        write_atomically(stream, head + y + z)

    @torch.inference_mode()
    def decode(self, stream: Path, target: Path) -> None:
        """As `Codec.decode`."""
        data = read_file(stream)
        width, height, rows, columns, size = struct.unpack_from("<5I", data)
        start = struct.calcsize("<5I")
        strings = [[data[start : start + size]], [data[start + size :]]]
        x_hat: Tensor = self.model.decompress(strings, (rows, columns))["x_hat"]
        from_tensor(crop(x_hat, height, width))
        write_picture(self.shown, target)


@dataclass
class Lane:
    """A codec, its stream, and its seconds so far by kind of work."""

    codec: Codec
    folder: Path
    clock: Callable[[], float]
    seconds: dict[str, list[float]] = field(default_factory=lambda: {work: [] for work in WORKS})

    @property
    def stream(self) -> Path:
        """Where its stream lies."""
        return self.folder / "stream"

    def run(self, work: str, source: Path) -> None:
        """Do one thing, and note how long it took."""
        started = self.clock()
        if work == "encode":
            self.codec.encode(source, self.stream)
        else:
            self.codec.decode(self.stream, self.folder / f"decoded{work[-4:]}")
        self.seconds[work].append(self.clock() - started)


@click.command()
@click.option("--image", "images", multiple=True, type=click.Path(path_type=Path), help="Picture; repeatable.")
@click.option("--model", default="house", show_default=True, metavar="NAME|FILE", help="Of plic.")
@click.option("--quality", type=click.FloatRange(min=0), metavar="X", help="The middle level by default.")
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True, help="Threads of torch.")
@click.option("--rounds", type=click.IntRange(min=1), default=15, show_default=True, help="Counted rounds.")
@click.option("--warm-up", type=click.IntRange(min=1), default=3, show_default=True, help="Rounds not counted.")
@click.option("--processor-time", is_flag=True, help="Count the processor's seconds: for a busy machine, one thread.")
def main(
    images: Sequence[Path],
    model: str,
    quality: float | None,
    threads: int,
    rounds: int,
    warm_up: int,
    processor_time: bool,
) -> None:
    """Time rounds in which each codec does everything once, and print medians, the lowest and the highest."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    clock = time.process_time if processor_time else time.perf_counter
    counted = f"{'processor' if processor_time else 'wall-clock'} seconds of {rounds} rounds after {warm_up} to warm up"
    rival = f"CompressAI {version('compressai')}" if has_compressai() else "no CompressAI (see benchmarks/README.md)"
    click.echo(f"torch {torch.__version__}, {rival}, {threads} threads, {counted}")
    try:
        codec = plic.load(model)
        level = codec.level((codec.networks.rate.levels - 1) // 2 if quality is None else quality)
        with tempfile.TemporaryDirectory() as folder:
            for image in images or [_photograph(Path(folder))]:
                codecs = _codecs(Plic(f"plic {Path(model).stem}, quality {level:g}", codec, level), image)
                lanes = [Lane(one, Path(folder) / str(index), clock) for index, one in enumerate(codecs)]
                race(lanes, image, warm_up + rounds)
                show(lanes, image, warm_up)
    except plic.PlicError as error:
        raise click.ClickException(str(error)) from error


def race(lanes: Sequence[Lane], source: Path, rounds: int) -> None:
    """Rounds of everything by everybody; who begins changes from round to round."""
    for lane in lanes:
        lane.folder.mkdir(exist_ok=True)
    for index in range(rounds):
        for work in WORKS:
            for lane in lanes if index % 2 else reversed(lanes):
                lane.run(work, source)


def show(lanes: Sequence[Lane], source: Path, warm_up: int) -> None:
    """Print a picture's table, with the ratios of runs that followed one another."""
    picture = read_picture(source)
    click.echo(f"\n{source.name}, {picture.width} x {picture.height}")
    click.echo("".join([" " * 38, f"{'bytes':>9}", *(f"{work:>26}" for work in WORKS)]))
    for lane in lanes:
        cells = [_spread(lane.seconds[work][warm_up:], 4) for work in WORKS]
        size = f"{lane.stream.stat().st_size:,}"
        click.echo("".join([f"  {lane.codec.name:<36}{size:>9}", *(f"{cell:>26}" for cell in cells)]))
    for lane in lanes[1:]:
        pairs = [zip(lane.seconds[work][warm_up:], lanes[0].seconds[work][warm_up:], strict=True) for work in WORKS]
        cells = [_spread([theirs / own for theirs, own in pair], 2) for pair in pairs]
        click.echo("".join([f"  {'its seconds / those of plic':<45}", *(f"{cell:>26}" for cell in cells)]))


def _spread(values: Sequence[float], digits: int) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}..{max(values):.{digits}f})"


def _codecs(own: Plic, source: Path) -> list[Codec]:
    """Plic, and CompressAI if it is there."""
    if not has_compressai():
        return [own]
    picture = read_picture(source)
    shown = own.codec.decode_picture(own.codec.encode(picture, quality=own.quality))
    return [own, Rival("CompressAI bmshj2018-hyperprior", compressai_model(picture), shown)]


@torch.inference_mode()
def compressai_model(picture: Picture) -> Any:
    """The hyperprior model with random weights, whose latents of the picture are neither all zero nor huge."""
    import_compressai()
    from compressai.zoo import bmshj2018_hyperprior

    torch.manual_seed(0)
    model = bmshj2018_hyperprior(quality=3, pretrained=False).eval()
    if (model.N, model.M) != WIDTHS:
        raise click.ClickException(f"CompressAI's model has {model.N} and {model.M} channels, not {WIDTHS}")
    last, scales = model.g_a[-1], model.h_s[-2]
    y = model.g_a(pad(to_tensor(picture), STRIDE))
    deviation, mean = torch.std_mean(y, dim=(0, 2, 3))
    last.bias.sub_(mean).mul_(DEVIATION / deviation)
    last.weight.mul_((DEVIATION / deviation)[:, None, None, None])
    scales.weight.zero_()
    scales.bias.fill_(DEVIATION)
    model.update(force=True)
    return model


def _photograph(folder: Path) -> Path:
    """The default picture as a file."""
    path = folder / "photograph.png"
    write_picture(photograph(), path)
    return path


if __name__ == "__main__":
    main()
