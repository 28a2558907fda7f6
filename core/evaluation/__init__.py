"""Measuring codecs: metrics, evaluation on folders of pictures, and the comparison of rate-distortion curves.

    folder ── evaluate ──> Evaluation ── write_evaluations ──> JSON ── read_evaluations ──> Evaluation
                               └── curve() ──> Curve ── bd_rate(anchor, test) ──> percent

Importing this imports torch.
"""

from .bdrate import Curve, bd_rate, overlap
from .evaluate import evaluate, find_pictures, measure
from .metrics import ms_ssim, ms_ssim_db, psnr
from .results import (
    Evaluation,
    ImageResult,
    Mean,
    QualityResult,
    StageSeconds,
    read_evaluations,
    write_evaluations,
)

__all__ = [
    "Curve",
    "Evaluation",
    "ImageResult",
    "Mean",
    "QualityResult",
    "StageSeconds",
    "bd_rate",
    "evaluate",
    "find_pictures",
    "measure",
    "ms_ssim",
    "ms_ssim_db",
    "overlap",
    "psnr",
    "read_evaluations",
    "write_evaluations",
]
