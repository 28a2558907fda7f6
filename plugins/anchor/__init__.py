"""Rate-distortion curves to compare with, one file for each set of pictures and way of measuring."""

from pathlib import Path

NAMES = (
    "kodak_measured",
    "kodak_published",
    "clic2020_mobile",
    "clic2020_professional",
    "clic2020_professional_valid",
    "clic2022_test",
    "tecnick",
)
FILES = tuple(Path(__file__).resolve().parent / f"{name}.json" for name in NAMES)
"""Files of anchors, as the hook `plic_register_anchors` wants them."""
