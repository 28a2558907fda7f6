"""Write scikit-image's photographs to train on, one to test on, and print what JPEG makes of that one.

pip install scikit-image && python photographs.py
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

TRAINING = ("astronaut", "chelsea", "rocket", "retina", "immunohistochemistry", "hubble_deep_field")
TEST = "coffee"
QUALITIES = (10, 20, 30, 50, 70, 85)


def main() -> None:
    for folder, names in (("training", TRAINING), ("test", (TEST,))):
        Path(folder).mkdir(exist_ok=True)
        for name in names:
            Image.fromarray(getattr(data, name)()).save(Path(folder, f"{name}.png"))
    picture = Image.open(Path("test", f"{TEST}.png"))
    print("JPEG, optimised Huffman tables: with colours at half the resolution, and at full resolution")
    for quality in QUALITIES:
        tries = [jpeg(picture, quality, subsampling) for subsampling in (2, 0)]
        print(f"  quality {quality}" + "".join(f"   {bits:.3f} bpp  {decibels:.2f} dB" for bits, decibels in tries))


def jpeg(picture: Image.Image, quality: int, subsampling: int) -> tuple[float, float]:
    """Bits per pixel and PSNR over all colours."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality, optimize=True, subsampling=subsampling)
    error = np.square(np.asarray(picture).astype(np.float64) - np.asarray(Image.open(stream))).mean()
    return 8 * len(stream.getvalue()) / (picture.width * picture.height), float(10 * np.log10(255**2 / error))


if __name__ == "__main__":
    main()
