"""Results files for tests of comparisons: synthetic pictures, coded by Pillow, measured like an evaluation does."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from small import photograph

from plic.core.evaluation import Evaluation, ImageResult, QualityResult, StageSeconds, psnr, write_evaluations
from plic.core.image import read_picture

SECONDS = StageSeconds(image=0.01, transform=0.08, probability=0.03, coder=0.02, total=0.14)
QUALITIES = {"JPEG": (10, 25, 50, 80), "WEBP": (5, 30, 60, 90)}


def draw_pictures(folder: Path, count: int = 2, size: tuple[int, int] = (208, 176)) -> Path:
    """A folder of synthetic pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        photograph(*size, seed).save(folder / f"picture{seed}.png")
    return folder


def write_results(
    file: Path,
    pictures: Path,
    *,
    model: str = "mine",
    codec: str = "JPEG",
    levels: Sequence[int] = range(4),
    keep: bool = True,
    processes: int = 1,
) -> Path:
    """A results file of a stand-in codec, with the decoded pictures beside it when they are kept."""
    results = []
    for level in levels:
        folder = file.parent / f"{file.stem}.pictures" / model / str(level)
        images = [_image(path, folder, codec, level, keep, file.parent) for path in sorted(pictures.iterdir())]
        results.append(QualityResult.of(level, images))
    evaluation = Evaluation(
        model=model,
        recipe={"plic": 1, "name": model, "title": f"A stand-in by {codec}", "transform": {"use": "<script>"}},
        fingerprint="0123456789abcdef" * 4,
        data=pictures.name,
        threads=1,
        versions={"plic": "0.1.0", "torch": "2.2", "python": "3.11", "platform": "test"},
        qualities=tuple(results),
        folder=str(pictures.resolve()),
        parameters=1_234_567,
        macs_per_pixel={"analysis": 9000.0, "synthesis": 12000.0},
        processes=processes,
    )
    write_evaluations(file, [evaluation])
    return file


def _image(path: Path, folder: Path, codec: str, level: int, keep: bool, root: Path) -> ImageResult:
    original = Image.open(path)
    buffer = io.BytesIO()
    original.save(buffer, codec, quality=QUALITIES[codec][level])
    decoded = Image.open(buffer).convert("RGB")
    target = folder / path.name
    if keep:
        folder.mkdir(parents=True, exist_ok=True)
        decoded.save(target)
    size, pixels = len(buffer.getvalue()), original.width * original.height
    return ImageResult(
        name=path.name,
        width=original.width,
        height=original.height,
        bytes=size,
        bpp=8 * size / pixels,
        psnr=psnr(read_picture(original).pixels, read_picture(decoded).pixels),
        ms_ssim=0.9 + 0.02 * level + (0.01 if codec == "WEBP" else 0.0),
        section_bytes=size - 40,
        model_bits=8.0 * (size - 44),
        encode=SECONDS,
        decode=SECONDS,
        encode_steps=1,
        decode_steps=3,
        encode_memory=300_000_000,
        decode_memory=310_000_000,
        decoded=target.relative_to(root).as_posix() if keep else None,
    )
