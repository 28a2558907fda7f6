"""Draw pictures to train on beside photographs: text, windows, charts, gradients and flat colours.

::

    python examples/drawn_pictures.py drawn --count 60
    plic train house --data photographs --data drawn --out runs/house

Photographs alone teach a codec nothing about letters or areas of one colour. Every photograph is drawn equally often in
training, so the count sets the share. The pictures depend on the seed and on the versions of Pillow and NumPy alone.
"""

from __future__ import annotations

import string
from pathlib import Path

import click
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIZE = 768, 512
LETTERS = string.ascii_letters + string.digits + ".,;:()[]{}=+-*/_%&@#"
LETTER_SIZES = (9, 10, 11, 12, 13, 14, 16, 18, 22, 28, 40)

Colour = tuple[int, int, int]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(min=1), default=60, show_default=True, help="Pictures.")
@click.option("--gradients", type=click.IntRange(min=0), default=0, show_default=True, help="Pictures of one ramp.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(folder: Path, count: int, gradients: int, seed: int) -> None:
    """Write PNG files into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw, numbers in (("drawn", picture, count), ("gradient", gradient, gradients)):
        for number in range(numbers):
            random = np.random.default_rng((seed, number))
            draw(random).save(folder / f"{name}-{seed}-{number:04}.png", compress_level=9)


def picture(random: np.random.Generator) -> Image.Image:
    """A ground with a few things on it, at random places and partly over one another."""
    image = ground(random)
    draw = ImageDraw.Draw(image)
    things = (paragraph, paragraph, window, chart, patches)
    for _ in range(int(random.integers(3, 9))):
        things[int(random.integers(len(things)))](draw, random)
    return image


def ground(random: np.random.Generator) -> Image.Image:
    """White, another colour, or a gradient between two colours in any direction."""
    kind = random.random()
    if kind < 0.4:
        return Image.new("RGB", SIZE, "white")
    first, second = colour(random), colour(random)
    if kind < 0.7:
        return Image.new("RGB", SIZE, first)
    return ramp(first, second, random)


def gradient(random: np.random.Generator) -> Image.Image:
    """Nothing but a ramp: between two greys, or between two colours."""
    if random.random() < 0.5:
        first, second = (int(level) for level in random.integers(256, size=2))
        return ramp((first, first, first), (second, second, second), random)
    return ramp(colour(random), colour(random), random)


def ramp(first: Colour, second: Colour, random: np.random.Generator) -> Image.Image:
    """From one colour to another, in any direction."""
    angle = random.uniform(0, 2 * np.pi)
    across, down = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    along = np.cos(angle) * across + np.sin(angle) * down
    share = (along - along.min()) / np.ptp(along)
    shades = np.array(first) + share[..., None] * (np.array(second) - np.array(first))
    return Image.fromarray(np.rint(shades).astype(np.uint8))


def colour(random: np.random.Generator) -> Colour:
    """Pale, dark, or any."""
    low, high = ((200, 256), (0, 60), (0, 256))[int(random.integers(3))]
    red, green, blue = random.integers(low, high, 3)
    return int(red), int(green), int(blue)


def box(random: np.random.Generator, smallest: int = 60) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a rectangle in the picture."""
    width, height = (int(random.integers(smallest, side * 2 // 3)) for side in SIZE)
    left, top = int(random.integers(SIZE[0] - width)), int(random.integers(SIZE[1] - height))
    return left, top, left + width, top + height


def words(random: np.random.Generator, length: int) -> str:
    """Letters in groups."""
    letters = random.choice(list(LETTERS), length)
    letters[random.random(length) < 0.17] = " "
    return "".join(letters)


def paragraph(draw: ImageDraw.ImageDraw, random: np.random.Generator) -> None:
    """Lines of one size and colour."""
    left, top, right, bottom = box(random)
    size, ink = LETTER_SIZES[int(random.integers(len(LETTER_SIZES)))], colour(random)
    font = ImageFont.load_default(size)
    for line in range(top, bottom, round(1.3 * size)):
        draw.text((left, line), words(random, max(3, 2 * (right - left) // size)), ink, font)


def window(draw: ImageDraw.ImageDraw, random: np.random.Generator) -> None:
    """A frame with a title and a few buttons."""
    left, top, right, bottom = box(random, 120)
    face, ink = colour(random), colour(random)
    draw.rounded_rectangle((left, top, right, bottom), int(random.integers(0, 12)), face, ink)
    draw.rectangle((left, top, right, top + 22), colour(random))
    draw.text((left + 8, top + 4), words(random, 18), ink, ImageFont.load_default(12))
    for place in range(left + 10, right - 90, 100):
        draw.rounded_rectangle((place, bottom - 34, place + 86, bottom - 10), 5, colour(random), ink)
        draw.text((place + 8, bottom - 29), words(random, 8), ink, ImageFont.load_default(12))


def chart(draw: ImageDraw.ImageDraw, random: np.random.Generator) -> None:
    """Axes, a grid and a few lines."""
    left, top, right, bottom = box(random, 120)
    draw.rectangle((left, top, right, bottom), colour(random), colour(random))
    for place in np.linspace(top, bottom, 6)[1:-1]:
        draw.line((left, place, right, place), colour(random))
    for _ in range(int(random.integers(1, 5))):
        across = np.linspace(left + 4, right - 4, 40)
        down = np.clip((top + bottom) / 2 + np.cumsum(random.normal(0, 9, 40)), top + 4, bottom - 4)
        draw.line(list(zip(across, down, strict=True)), colour(random), int(random.integers(1, 4)))


def patches(draw: ImageDraw.ImageDraw, random: np.random.Generator) -> None:
    """Rectangles and ellipses of one colour each."""
    for _ in range(int(random.integers(2, 8))):
        shape = draw.rectangle if random.random() < 0.6 else draw.ellipse
        shape(box(random, 8), colour(random))


if __name__ == "__main__":
    main()
