"""A recipe uses the part, next to parts that come with plic."""

from __future__ import annotations

import numpy as np
import plic
import pytest
from PIL import Image
from plic.core.errors import IncompatibleParts

SMALL = {
    "transform.levels": 2,
    "side_information.channels": 8,
    "side_information.features": 8,
    "context.features": 8,
    "context.fusion": [8],
    "schedule.groups": [3, 9, 36],
}


def test_a_picture_comes_back() -> None:
    """Before any training the latents hold the picture: only rounding is lost, however poor the rates are."""
    ramp = np.add.outer(np.arange(40), np.arange(56))
    pixels = np.stack([255 - 2 * ramp, ramp, 2 * ramp], 2).astype(np.uint8)
    codec = plic.build("wavelet-groups", SMALL).eval().freeze()
    back = codec.decode(codec.encode(Image.fromarray(pixels), quality=3))
    assert back.size == (56, 40)
    assert np.abs(np.asarray(back).astype(int) - pixels).mean() < 4


def test_groups_that_do_not_hold_all_channels_are_refused() -> None:
    """Two levels have 48 channels, not the 192 of the recipe's groups."""
    with pytest.raises(IncompatibleParts, match="192"):
        plic.build("wavelet-groups", {"transform.levels": 2})
