"""Targets: the quality at which one picture keeps to a size or reaches a PSNR.

picture ── transform, once ──> latent ── encode at a quality ──> file ── bpp, PSNR ──┐
                                              ^                                      │
                                              └─────── next quality (search) <───────┘
"""

from .encode import Target, Targeted, Trial, assessed, encode_to_target

__all__ = ["Target", "Targeted", "Trial", "assessed", "encode_to_target"]
