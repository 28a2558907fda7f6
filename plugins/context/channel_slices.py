"""Channel slices, each told by those before and refined as soon as it is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from ...core.errors import IncompatibleParts
from ...core.slots import Context, ContextState, ContextWiring, Step, TeacherForced
from .grouped import check_kernels, convolutions

NAME = "channel-slices"


class ChannelSlices(Context):
    """Channel-conditional context with latent residual prediction (Minnen and Singh 2020, arXiv:2007.08739).

    For each slice of channels there are three small networks of the same shape::

        side features, 1st half ─┬─ support ───── mean net ────── mean of the slice
        side features, 2nd half ─│──── support ── scale net ───── the head's other parameters
                                 └─ support, decoded slice ─ residual net ─ 1/2 tanh ─┐
                                                            decoded slice ────────────+── refined slice

    ``support`` are the first slices, refined; what a slice was decoded to is needed nowhere but here. The residual
    takes back part of the rounding error: it stays within half a quantiser step.

    Args:
        wiring: what the chain delivers; the head must have one mean. The first half of the side features goes to the
            mean nets and residual nets, the second half to the scale nets.
        support: how many slices, from the first on, later ones see.
        widths: features between the convolutions of a network.
        kernels: size of each convolution, odd; one more than there are ``widths``.
        slope: negative slope of the LeakyReLU between the convolutions; 0 makes it a ReLU.
    """

    orders = frozenset({"groups"})
    reach = None
    refines = True

    def __init__(
        self,
        wiring: ContextWiring,
        *,
        support: int = 5,
        widths: tuple[int, ...] = (224, 128),
        kernels: tuple[int, ...] = (5, 5, 3),
        slope: float = 0.0,
    ) -> None:
        super().__init__()
        _check_wiring(wiring)
        check_kernels(NAME, kernels)
        groups = wiring.schedule.groups(wiring.channels)
        self.mean_index = wiring.mean_index or 0
        self.group_of = {channels: index for index, channels in enumerate(groups)}
        self.supports = tuple(groups[min(index, support)][0] for index in range(len(groups)))
        self.mean_features = (wiring.side_features + 1) // 2
        self.slices = nn.ModuleList()
        for (first, last), seen in zip(groups, self.supports, strict=True):
            about_mean, about_scale = self.mean_features + seen, wiring.side_features // 2 + seen
            size, others = last - first, wiring.parameters_per_element - 1
            self.slices.append(
                SliceNetwork(
                    convolutions((about_mean, *widths, size), kernels, slope),
                    convolutions((about_scale, *widths, others * size), kernels, slope),
                    convolutions((about_mean + size, *widths, size), kernels, slope),
                )
            )

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        return self.teacher_forced(values, side).parameters

    def teacher_forced(self, values: Tensor, side: Tensor | None) -> TeacherForced:
        refined, planes = values[:, :0], []
        for (first, last), index in self.group_of.items():
            network, known = self._network(index), self._known(index, refined, side)
            planes.append(network.parameters_of(known, self.mean_index))
            own = network.refined(known, values[:, first:last])
            refined = torch.cat((refined, own.to(values.dtype)), 1)
        return TeacherForced(torch.cat(planes, 2), refined)

    def start(self, values: Tensor, side: Tensor | None) -> ContextState:
        return ContextState(side, values)

    def parameters_at(self, state: ContextState, step: Step) -> Tensor:
        index = self.group_of[step.channels]
        known = self._known(index, state.values, state.side)
        return self._network(index).parameters_of(known, self.mean_index).flatten(2)

    def observe(self, state: ContextState, step: Step, values: Tensor) -> None:
        super().observe(state, step, values)
        index = self.group_of[step.channels]
        own = state.values[:, slice(*step.channels)]
        own.copy_(self._network(index).refined(self._known(index, state.values, state.side), own))

    def _known(self, index: int, refined: Tensor, side: Tensor | None) -> _Known:
        """What a slice's networks see; ``refined`` holds the slices of its support, and maybe more."""
        support = refined[:, : self.supports[index]]
        if side is None:
            return _Known(support, support)
        side = side.to(refined.dtype)
        halves = side[:, : self.mean_features], side[:, self.mean_features :]
        return _Known(*(torch.cat((half, support), 1) for half in halves))

    def _network(self, index: int) -> SliceNetwork:
        return cast(SliceNetwork, self.slices[index])


@dataclass(frozen=True)
class _Known:
    """What is known before a slice is decoded, ``(B, features, h, w)`` each."""

    about_mean: Tensor
    about_scale: Tensor


class SliceNetwork(nn.Module):
    """The networks of one slice."""

    def __init__(self, mean: nn.Sequential, scale: nn.Sequential, residual: nn.Sequential) -> None:
        super().__init__()
        self.mean = mean
        self.scale = scale
        self.residual = residual
        self.sigmoid = nn.Sigmoid()

    def parameters_of(self, known: _Known, mean_index: int) -> Tensor:
        """Parameters of the slice ``(B, P, C_k, h, w)``."""
        mean = self.mean(known.about_mean).unsqueeze(1)  # (B, 1, C_k, h, w)
        others = self.scale(known.about_scale).unflatten(1, (-1, mean.shape[2]))
        return torch.cat((others[:, :mean_index], mean, others[:, mean_index:]), 1)

    def refined(self, known: _Known, own: Tensor) -> Tensor:
        """The decoded slice ``(B, C_k, h, w)`` with its residual added."""
        predicted = self.residual(torch.cat((known.about_mean, own), 1))
        refined: Tensor = own + (self.sigmoid(2 * predicted) - 0.5)  # tanh(x) / 2 = sigmoid(2 x) - 1/2
        return refined


def _check_wiring(wiring: ContextWiring) -> None:
    if wiring.mean_index is None or wiring.parameters_per_element < 2:
        raise IncompatibleParts(
            f"context {NAME!r} predicts the mean by one network and all else by another",
            got=f"a head with {wiring.parameters_per_element} parameters, without exactly one mean among others",
            expected="a head such as gaussian, laplacian or logistic with mean: true",
            hint="choose such a head",
        )
    if wiring.side_features < 2:
        raise IncompatibleParts(
            f"context {NAME!r} has nothing to predict its first slice from",
            got=f"{wiring.side_features} side features",
            expected="side information with two features or more",
            hint="add side_information, such as dual-hyperprior",
        )
