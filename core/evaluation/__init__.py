"""Measuring codecs: metrics, evaluation on folders of pictures, and the comparison of rate-distortion curves.

    folder ── evaluate ──> Evaluation ── write_evaluations ──> JSON ── read_evaluations ──> Evaluation
                               └── curve() ──> Curve ── bd_rate(anchor, test) ──> percent
    anchor_named(id) ──> Anchor ── curve() ─────┘    └── bd_psnr(anchor, test) ──> dB

Importing this imports torch.
"""

from .anchors import Anchor, anchor_named, load_anchors, read_anchors
from .bdrate import Curve, Metric, bd_psnr, bd_rate, overlap
from .evaluate import evaluate
from .extra import ExtraMetric, extra_metrics
from .measure import Encode, PictureStore, measure
from .metrics import ms_ssim, ms_ssim_db, psnr
from .results import Evaluation, ImageResult, Mean, MetricFacts, QualityResult, StageSeconds
from .results_file import read_evaluations, write_evaluations

__all__ = [
    "Anchor",
    "Curve",
    "Encode",
    "Evaluation",
    "ExtraMetric",
    "ImageResult",
    "Mean",
    "Metric",
    "MetricFacts",
    "PictureStore",
    "QualityResult",
    "StageSeconds",
    "anchor_named",
    "bd_psnr",
    "bd_rate",
    "evaluate",
    "extra_metrics",
    "load_anchors",
    "measure",
    "ms_ssim",
    "ms_ssim_db",
    "overlap",
    "psnr",
    "read_anchors",
    "read_evaluations",
    "write_evaluations",
]
