"""From weights with a logistic head to start weights with a mixture of Gaussians, which give nearly the same rate.

::

    python docs/studies/to_mixture.py logistic.safetensors start.safetensors --recipe house
    plic train house --from start.safetensors ...

Two Gaussians around the logistic's mean come within 0.0004 bits of it on average, three within 0.00002: `COMPONENTS`
are their weights and the binary logarithms of their scales for a logistic of scale one, by minimal Kullback-Leibler
divergence. Where the recipe has fewer features between the fusion's layers, those with the least norms are left out.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from conversion import command
from torch import Tensor, nn

from plic.core.codec import Codec
from plic.core.errors import TrainingError
from plic.plugins.context.masked import SitewiseContext
from plic.plugins.head.logistic import Logistic
from plic.plugins.head.mixtures import GaussianMixture

COMPONENTS = {
    2: ((0.68966, 0.48754), (0.31034, 1.31991)),
    3: ((0.38855, 0.26414), (0.52707, 0.94748), (0.08437, 1.59421)),
}


@torch.no_grad()
def take_over(old: Codec, new: Codec) -> None:
    """Set the fusion layers behind the first features."""
    head = new.head
    if not (
        isinstance(old.head, Logistic)
        and isinstance(head, GaussianMixture)
        and isinstance(old.context, SitewiseContext)
        and isinstance(new.context, SitewiseContext)
        and head.components in COMPONENTS
    ):
        raise TrainingError(
            "this goes from the head logistic to gmm with 2 or 3 components only",
            got=f"{old.recipe.head.id} and {new.recipe.head.id}",
            hint="give weights with the one, and a recipe with the other",
        )
    first, last = _ends(old.context.fusion)
    new_first, new_last = _ends(new.context.fusion)
    kept = _strongest(first, last, new_first.out_channels)
    new_first.weight.copy_(first.weight[kept])
    _bias(new_first).copy_(_bias(first)[kept])
    _spread(new_last.weight, last.weight[:, kept], head.components)
    _spread(_bias(new_last), _bias(last), head.components)
    planes = _bias(new_last).view(head.components, 3, -1)
    for plane, (weight, octaves) in zip(planes, COMPONENTS[head.components], strict=True):
        plane[0] = math.log(weight)
        plane[2] += octaves


def _ends(fusion: nn.Sequential) -> tuple[nn.Conv2d, nn.Conv2d]:
    first, *_, last = (layer for layer in fusion if isinstance(layer, nn.Conv2d))
    return first, last


def _strongest(first: nn.Conv2d, last: nn.Conv2d, count: int) -> Tensor:
    """Indices of the features with the largest products of the norms on both sides, in order."""
    strength = first.weight.flatten(1).norm(dim=1) * last.weight.flatten(2).norm(dim=(0, 2))
    strongest: Tensor = strength.topk(count).indices
    return strongest.sort().values


def _spread(target: Tensor, source: Tensor, components: int) -> None:
    """Planes (scale, mean) as planes (weight, mean, scale) of each component; weights begin with zero."""
    scale, mean = source.chunk(2)
    target.copy_(torch.cat([torch.zeros_like(mean), mean, scale] * components))


def _bias(layer: nn.Conv2d) -> Tensor:
    return cast(Tensor, layer.bias)


if __name__ == "__main__":
    command(
        take_over,
        "Write TARGET, start weights with the head `gmm`, from weights SOURCE with `logistic`.",
    )()
