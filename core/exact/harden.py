"""From trained modules to modules in exact arithmetic."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable

from torch import nn

from ..errors import ExactnessError
from ..layers import MaskedConv2d, MaskedConv3d, Product, SoftmaxAttention
from ..slots import Head
from .attention import ExactSoftmaxAttention
from .elementwise import ExactProduct, ExactSigmoid
from .grid import ExactSums
from .layers import ExactConv2d, ExactConvTranspose2d, ExactLeakyReLU
from .masked_volume import ExactMaskedConv3d
from .sitewise import ExactMaskedConv2d, ExactPointwise

Harden = Callable[[nn.Module, str, ExactSums], nn.Module]


def _exact_convolution(layer: nn.Conv2d, name: str, sums: ExactSums) -> nn.Module:
    if layer.kernel_size == layer.stride == (1, 1) and layer.padding in ((0, 0), "valid", "same") and layer.groups == 1:
        return ExactPointwise(layer, name, sums)
    return ExactConv2d(layer, name)


def _exact_leaky_relu(layer: nn.Module, name: str) -> nn.Module:
    slope = getattr(layer, "negative_slope", math.nan)
    if not 0 <= slope <= 1:
        raise ExactnessError(f"layer {name} has a slope that is not supported", got=slope, expected="0 to 1")
    return ExactLeakyReLU(float(slope))


_EXACT: dict[type[nn.Module], Harden] = {
    nn.Conv2d: lambda layer, name, sums: _exact_convolution(layer, name, sums),  # type: ignore[arg-type]
    MaskedConv2d: lambda layer, name, sums: ExactMaskedConv2d(layer, name, sums),  # type: ignore[arg-type]
    MaskedConv3d: lambda layer, name, sums: ExactMaskedConv3d(layer, name),  # type: ignore[arg-type]
    nn.ConvTranspose2d: lambda layer, name, sums: ExactConvTranspose2d(layer, name),  # type: ignore[arg-type]
    nn.LeakyReLU: lambda layer, name, sums: _exact_leaky_relu(layer, name),
    nn.ReLU: lambda layer, name, sums: nn.ReLU(),
    nn.Sigmoid: lambda layer, name, sums: ExactSigmoid(),
    Product: lambda layer, name, sums: ExactProduct(),
    SoftmaxAttention: lambda layer, name, sums: ExactSoftmaxAttention(layer, name),  # type: ignore[arg-type]
    nn.Identity: lambda layer, name, sums: nn.Identity(),
    nn.PixelShuffle: lambda layer, name, sums: layer,
    nn.PixelUnshuffle: lambda layer, name, sums: layer,
}


def harden(module: nn.Module, name: str, sums: ExactSums = ExactSums.DOUBLE) -> nn.Module:
    """The module in exact arithmetic; heads inside it are frozen.

    Layers are replaced by their exact counterparts, containers are copied with exact children.

    Args:
        module: trained.
        name: for messages.
        sums: the numbers that hold them in layers that see one column at each site.

    Raises:
        ExactnessError: it holds a layer that has no exact counterpart, or sums that a double cannot hold.
    """
    if type(module) in _EXACT:
        return _EXACT[type(module)](module, name, sums)
    if isinstance(module, Head):
        return _frozen_head(module)
    if next(module.parameters(recurse=False), None) is not None or _computes(module):
        raise ExactnessError(
            f"layer {name} cannot be computed in exact arithmetic",
            got=type(module).__name__,
            expected=", ".join(sorted(layer.__name__ for layer in _EXACT)),
            hint="build networks on the probability path from these layers",
        )
    return harden_children(module, [child for child, _ in module.named_children()], name, sums)


def _frozen_head(head: Head) -> nn.Module:
    """What is stored of a head: the module that it freezes to, which keeps its layout, or the head itself."""
    frozen = head.freeze()
    if not isinstance(frozen, nn.Module):
        return copy.deepcopy(head)
    for name in ("layout", "mean_index"):
        setattr(frozen, name, getattr(head, name))
    return frozen


def _computes(module: nn.Module) -> bool:
    """Whether it is an operation of torch, not a container of layers."""
    containers = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
    return type(module).__module__.startswith("torch.nn.modules.") and not isinstance(module, containers)


def harden_children(
    module: nn.Module, children: Iterable[str], name: str, sums: ExactSums = ExactSums.DOUBLE
) -> nn.Module:
    """A copy of the module with the named children in exact arithmetic."""
    exact = {child: harden(getattr(module, child), f"{name}.{child}", sums) for child in children}
    memo: dict[int, object] = {id(getattr(module, child)): replacement for child, replacement in exact.items()}
    copied = copy.deepcopy(module, memo)
    return copied.eval().requires_grad_(False)
