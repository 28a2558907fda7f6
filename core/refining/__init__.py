"""Refining: before a picture is coded, its latents are optimised for its own rate and distortion.

    picture ── analyse ──> latents ── refiner ──> latents ── code for real ──> file
                                       │   ^
                                       v   │
                      Lagrangian: exact rate (rate), synthesis, true distortion

Nothing here knows a concrete refiner, and nothing of it is needed to decode.
"""

from .encode import Refinement, encode_refined, multiplier_of
from .objective import Budget, Lagrangian, Progress
from .rate import LatentRate, latent_rate

__all__ = [
    "Budget",
    "Lagrangian",
    "LatentRate",
    "Progress",
    "Refinement",
    "encode_refined",
    "latent_rate",
    "multiplier_of",
]
