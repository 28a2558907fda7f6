"""What contexts share that code one group of channels after another, with a network for each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from ...core.errors import RecipeError
from ...core.layers import MaskedConv2d, with_margin
from ...core.slots import Context, ContextState, ContextWiring, Step, at_sites
from ...core.threads import one_thread
from .fusion import as_planes, fusion_layers
from .masked import SITES_AT_ONCE, PaddedState

AGGREGATION_LAYERS = 3
FEW_SITES = 64


class GroupedConvContext(Context):
    """For each group of channels, what it sees of earlier groups, of itself, and of the side features, fused.

    ::

        all earlier groups ── k x k ─ ... ─ k x k ─┐     (every site: these groups are complete)
        this group ────────── masked k x k ────────┼─ 1x1 ─ ... ─ 1x1 ─ parameters of this group
        side features ─────────────────────────────┘

    The first group has no earlier ones.

    Args:
        wiring: what the chain delivers.
        kernel: size of the masked convolution, odd.
        features: what either convolution gives; by default two for each channel of the group.
        cross: features between the convolutions over earlier groups.
        cross_kernel: size of these convolutions, odd.
        fusion: features between the 1x1 layers; by default there are three layers, whose widths lie on a straight line
            from what goes in to what comes out, but not below the number of side features.
        slope: negative slope of the LeakyReLU between layers; 0 makes it a ReLU.

    Attributes:
        reach: how far it looks within a group; the order makes the groups before complete.
    """

    name: ClassVar[str]

    def __init__(
        self,
        wiring: ContextWiring,
        *,
        kernel: int = 5,
        features: int | None = None,
        cross: tuple[int, ...] = (224, 128),
        cross_kernel: int = 5,
        fusion: tuple[int, ...] | None = None,
        slope: float = 0.0,
    ) -> None:
        super().__init__()
        check_kernels(self.name, (kernel,), least=3)
        check_kernels(self.name, (cross_kernel,))
        groups = wiring.schedule.groups(wiring.channels)
        self.reach = kernel // 2
        self.group_of = {channels: index for index, channels in enumerate(groups)}
        self.networks = nn.ModuleList()
        for channels in groups:
            size = channels[1] - channels[0]
            width = features or 2 * size
            crossing = (channels[0], *cross, width) if channels[0] else ()
            seen = width * (2 if crossing else 1)
            between = self._between(wiring, size, seen) if fusion is None else fusion
            self.networks.append(
                GroupNetwork(
                    channels,
                    convolutions(crossing, (cross_kernel,) * (len(cross) + 1), slope) if crossing else None,
                    MaskedConv2d(size, width, self.live_taps(kernel)),
                    fusion_layers(self.name, replace(wiring, channels=size), seen, between, slope),
                )
            )

    @staticmethod
    def _between(wiring: ContextWiring, size: int, seen: int) -> tuple[int, ...]:
        inputs, outputs = wiring.side_features + seen, wiring.parameters_per_element * size
        steps = range(1, AGGREGATION_LAYERS)
        line = [(inputs * (AGGREGATION_LAYERS - step) + outputs * step) // AGGREGATION_LAYERS for step in steps]
        return tuple(max(width, wiring.side_features) for width in line)

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        planes = []
        for network in self._networks():
            near = self.near_all(network.masked, network.own(values))
            planes.append(network.fused(network.given(values, side), near))
        return torch.cat(planes, 2)

    def start(self, values: Tensor, side: Tensor | None) -> ContextState:
        padded, inside = with_margin(values, self.reach or 0)
        return _State(side, inside, padded)

    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        if not isinstance(state, _State):
            raise TypeError("a state that this context did not start")
        index = self.group_of[step.channels]
        network = self._networks()[index]
        if state.group != index:
            state.group, state.given = index, network.given(state.values, state.side)
        if len(step.sites) <= FEW_SITES:
            with one_thread():
                return self._parameters_at(state, network, step).flatten(2)
        pieces = [self._parameters_at(state, network, piece) for piece in step.pieces(SITES_AT_ONCE)]
        return torch.cat(pieces, 3).flatten(2)

    def _parameters_at(self, state: _State, network: GroupNetwork, step: Step) -> Tensor:
        near = self.near_at(network.masked, network.own(state.padded), step)
        return network.fused(at_sites(state.given, step).unsqueeze(-1), near.unsqueeze(-1)).squeeze(-1)

    def _networks(self) -> list[GroupNetwork]:
        return [cast(GroupNetwork, network) for network in self.networks]

    @staticmethod
    @abstractmethod
    def live_taps(kernel: int) -> Tensor:
        """``(kernel, kernel)``, True for the taps of the masked convolution that are used."""

    @abstractmethod
    def near_all(self, masked: MaskedConv2d, own: Tensor) -> Tensor:
        """What each site sees of its own group ``(B, C_k, h, w)``."""

    def near_at(self, masked: MaskedConv2d, own: Tensor, step: Step) -> Tensor:
        """The same at a step's sites, ``(B, features, n)``; ``own`` has margins of zeros, ``reach`` wide."""
        return masked.at_sites(own, *step.rows_and_columns)


class GroupNetwork(nn.Module):
    """The networks of one group of channels.

    Args:
        channels: first channel of the group and one past the last.
        cross: over all earlier groups, or None.
        masked: over this one.
        fusion: from side, cross and masked features, in this order, to the group's parameters.
    """

    def __init__(
        self, channels: tuple[int, int], cross: nn.Sequential | None, masked: MaskedConv2d, fusion: nn.Sequential
    ) -> None:
        super().__init__()
        self.channels = channels
        self.cross = cross
        self.masked = masked
        self.fusion = fusion

    def own(self, values: Tensor) -> Tensor:
        """The group's channels."""
        return values[:, slice(*self.channels)]

    def given(self, values: Tensor, side: Tensor | None) -> Tensor:
        """What is known when the group begins: side features and what its sites see of earlier groups."""
        known = [] if side is None else [side.to(values.dtype)]
        if self.cross is not None:
            known.append(self.cross(values[:, : self.channels[0]]))
        return torch.cat(known, 1) if known else values[:, :0]

    def fused(self, given: Tensor, near: Tensor) -> Tensor:
        """Parameter planes ``(B, P, C_k, ...)``."""
        first, last = self.channels
        return as_planes(self.fusion(torch.cat((given, near), 1)), last - first)


def convolutions(widths: tuple[int, ...], kernels: tuple[int, ...], slope: float) -> nn.Sequential:
    """Convolutions of stride 1 with an activation between them, linear at the end.

    Args:
        widths: features before the first layer, between the layers, and after the last.
        kernels: size of each convolution, odd.
        slope: negative slope of the LeakyReLU; 0 gives ReLU.
    """
    layers: list[nn.Module] = []
    for (inputs, outputs), kernel in zip(pairwise(widths), kernels, strict=True):
        layers += [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.LeakyReLU(slope) if slope else nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def check_kernels(name: str, kernels: Iterable[int], least: int = 1) -> None:
    """Refuse even or too small kernels.

    Raises:
        RecipeError: there is one.
    """
    if all(kernel % 2 and kernel >= least for kernel in kernels):
        return
    raise RecipeError(
        f"context {name!r} has convolutions that are not centred on a site, or see nothing",
        got=f"kernels {', '.join(map(str, kernels))}",
        expected=f"odd numbers from {least}",
        hint="correct these settings of the recipe's context",
    )


@dataclass
class _State(PaddedState):
    group: int = -1
    """The group that ``given`` is of."""
    given: Tensor = field(default_factory=lambda: torch.empty(0))
    """What was known when the group began, ``(B, features, h, w)``."""
