"""From weights with the context `checkerboard-conv` to start weights with `quarters-conv`, which give the same rate.

::

    python docs/studies/to_quarters.py checkerboard.safetensors start.safetensors
    plic train house --from start.safetensors ...

The second colour of a checkerboard is quarters 2 and 3; both begin with the middle of its convolution. Quarter 1 sees
nothing at first, as before: its convolution begins with zeros, and so do the new taps of quarter 3.
"""

from __future__ import annotations

import torch
from conversion import command

from plic.core.codec import Codec
from plic.core.errors import TrainingError
from plic.core.layers import MaskedConv2d
from plic.plugins.context.checkerboard_conv import CheckerboardConv
from plic.plugins.context.quarters_conv import QuartersConv


@torch.no_grad()
def take_over(old: Codec, new: Codec) -> None:
    """Set the quarters' convolutions."""
    if not isinstance(old.context, CheckerboardConv) or not isinstance(new.context, QuartersConv):
        raise TrainingError(
            "this goes from a checkerboard to quarters only",
            got=f"{old.recipe.context.id} and {new.recipe.context.id}",
            hint="give weights with checkerboard-conv, and a recipe with quarters-conv",
        )
    masked = old.context.masked
    weight = masked.weight * masked.mask
    for kind, near in enumerate(new.context.near, 1):
        if not isinstance(near, MaskedConv2d) or near.bias is None or masked.bias is None:
            raise TypeError("a convolution without a mask or a bias")
        near.weight.zero_()
        near.bias.zero_()
        if kind > 1:
            cut = (weight.shape[-1] - near.weight.shape[-1]) // 2
            near.weight.copy_(weight[:, :, cut : weight.shape[2] - cut, cut : weight.shape[3] - cut])
            near.bias.copy_(masked.bias)


if __name__ == "__main__":
    command(take_over, "Write TARGET, start weights with quarters, from weights SOURCE with a checkerboard.")()
