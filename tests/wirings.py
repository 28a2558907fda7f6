"""How the conformance kit tries each built-in part: with what settings, and next to which neighbours.

A part that is not listed is tried with its defaults, next to the kit's own neighbours. Where that is too slow or does
not fit, put the part in here: attributes of its contract class (`plic.testing`), once for each way of trying it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from small import SMALL

from plic.core.recipe import load_recipe
from plic.plugins.builtin import PARTS

Wiring = Mapping[str, Any]
"""Attributes of a contract class."""

SMALL_TRANSFORM = {"channels": 6, "latent_channels": 5}
FUSED = {"fusion": [12]}
MASKED = {"features": 8, "fusion": [12]}

WIRINGS: Mapping[tuple[str, str], Sequence[Wiring]] = {
    ("transform", "gdn"): [{"settings": SMALL_TRANSFORM}],
    ("transform", "gdn-3"): [{"settings": {"channels": 6}}],
    ("transform", "crm"): [
        {"settings": {"channels": 6, "stages": 1, "attention": False}},
        {"settings": {"channels": 6, "stages": 3}},
    ],
    ("transform", "residual"): [{"settings": {"channels": 6}}],
    ("transform", "residual-plain"): [{"settings": {"channels": 6}}],
    ("transform", "nonlocal"): [{"settings": {"channels": 6}}],
    ("transform", "patch"): [
        {"settings": {"channels": 12, "widths": [16, 20], "blocks": [2, 1]}},
        {"settings": {"channels": 12, "widths": [16, 20], "blocks": [1, 1], "expansions": [3, 0], "finest_blocks": 2}},
    ],
    ("transform", "bottleneck"): [{"settings": {"channels": 16, "latent_channels": 12, "blocks": 1}}],
    ("rate", "gain"): [{}, {"settings": {"levels": 1}}, {"settings": {"offsets": True}}],
    ("side_information", "hyperprior"): [
        {"settings": {"channels": 4, "features": 7}},
        {"settings": {"channels": 4, "kernels": "3x3", "absolute": True, "positive": True}},
        {"settings": {"channels": 4, "kernels": "3x3-subpixel", "slope": 0.0, "last_kernel": 1}},
    ],
    ("side_information", "nonlocal-hyperprior"): [{"settings": {"channels": 4}}],
    ("side_information", "dual-hyperprior"): [
        {"settings": {"channels": 4, "analysis_widths": [5, 6], "synthesis_widths": [6, 5]}}
    ],
    ("context", "side-only"): [{"side_features": 12}, {"settings": FUSED}],
    ("context", "masked-conv"): [
        {"settings": MASKED},
        {"settings": {**MASKED, "kernel": 3, "last_bias": False}, "side_features": 0},
        {"settings": MASKED, "schedule": {"use": "raster", "execution": "serial"}, "largest_side": 5},
    ],
    ("context", "masked-conv-3d"): [
        {"settings": {"kernel": 5, "features": 6, "fusion": [8]}},
        {"settings": {"kernel": 3, "features": 6, "fusion": [8]}, "side_features": 0, "head": "gmm"},
    ],
    ("context", "checkerboard-conv"): [{"settings": MASKED}, {"settings": {**MASKED, "kernel": 3}, "side_features": 0}],
    ("context", "quarters-conv"): [{"settings": MASKED}, {"settings": {**MASKED, "kernel": 5}, "side_features": 0}],
    ("context", "mixture-cnn"): [
        {"settings": {"filters": 8, "blocks": 1}},
        {
            "settings": {"filters": 8, "blocks": 1, "sampled_states": 2},
            "schedule": {"use": "msp", "scales": 2, "seeds": 2, "block": [2, 4]},
            "side_features": 0,
        },
    ],
    ("context", "grouped-masked-conv"): [
        {"settings": {"cross": [8]}, "schedule": {"use": "groups-raster", "groups": [1, 3, 2]}},
        {
            "settings": {"cross": [], "cross_kernel": 3, "kernel": 3, "fusion": [8], "slope": 0.2},
            "schedule": {"use": "groups-raster", "groups": 2, "execution": "serial"},
            "side_features": 0,
            "head": "gmm",
            "largest_side": 5,
        },
    ],
    ("context", "grouped-checkerboard-conv"): [
        {"settings": {"cross": [8, 7]}, "schedule": {"use": "groups-checkerboard", "groups": [1, 3, 2]}},
        {
            "settings": {"cross": [8], "kernel": 3, "features": 5, "fusion": [8]},
            "schedule": {"use": "groups-checkerboard", "groups": 2},
            "side_features": 0,
        },
    ],
    ("context", "channel-slices"): [
        {"settings": {"widths": [8, 7], "support": 2}, "schedule": {"use": "groups", "groups": [1, 2, 1, 2]}},
        {"settings": {"widths": [8], "kernels": [3, 1], "slope": 0.2}, "schedule": {"use": "groups", "groups": 1}},
    ],
    ("context", "causal-global"): [{"settings": {"fusion": [8], "features": 6}, "beyond_reach": {1}}],
    ("schedule", "groups"): [{"settings": {"groups": [1, 2, 3]}, "channels": 6}, {"settings": {"groups": 1}}],
    ("schedule", "groups-raster"): [
        {"settings": {"groups": 3}, "channels": 6},
        {"settings": {"groups": [4, 2], "execution": "serial"}, "channels": 6, "largest_side": 9},
    ],
    ("schedule", "groups-checkerboard"): [{"settings": {"groups": [1, 2, 3]}, "channels": 6}],
    ("schedule", "raster"): [{}, {"settings": {"execution": "serial"}, "largest_side": 9}],
    ("schedule", "msp"): [
        {},
        {"settings": {"seeds": 2}},
        {"settings": {"scales": 4, "block": [2, 4], "seeds": 4}},
    ],
    ("head", "gaussian"): [
        {},
        {"settings": {"mean": False}},
        {"settings": {"scale": "log2"}},
        {"settings": {"scale": "index"}},
    ],
    ("distortion", "mix"): [{}, {"settings": {"mse": 1.0, "ms_ssim": 0.0}}],
    ("quantizer", "integer"): [
        {"settings": {"surrogate": surrogate}} for surrogate in ("noise", "straight-through", "mixed", "universal")
    ],
}
"""By slot and id."""


def wirings(slot: str, part: str) -> Sequence[Wiring]:
    """The ways in which a part is tried."""
    return WIRINGS.get((slot, part), [{}])


def unknown() -> set[tuple[str, str]]:
    """Entries of the table for parts that are not there."""
    return {(slot, part) for slot, part in WIRINGS if part not in PARTS.get(slot, {})}


def rate_overrides(recipe: str) -> dict[str, Any]:
    """Settings with which the estimated rate reaches as far down as the integer tables go."""
    floored = "likelihood_floor" in load_recipe(recipe, SMALL[recipe]).head.settings
    return {"head.likelihood_floor": 1e-9} if floored else {}
