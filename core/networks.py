"""Frozen networks: what a weights file stores and a fingerprint covers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from . import joints
from .errors import PlicError, WeightsError
from .exact import harden, harden_children
from .files import read_file, write_atomically
from .finite import all_finite
from .layers import families_of
from .probability import BUILT_IN, Family, IntegerDistribution, MixtureDistribution, Support
from .slots import Context, Distributions, Head, Rate, SideInformation, Transform

if TYPE_CHECKING:
    from .codec import Codec
    from .recipe import Recipe

WEIGHTS_FORMAT = "plic-weights-1"
"""Name of the one metadata entry of a weights file: a comment line with the fingerprint, then the resolved recipe."""

STORED = torch.float16
"""Weights outside the probability path are rounded to half precision when a codec is frozen."""

EXTRA = "_extra_state"
"""How torch calls what a module stores beside its tensors: here the digests of `plic.core.layers.Families`."""


@dataclass(frozen=True)
class FrozenHead:
    """A head for coding.

    Attributes:
        distributions: from parameters to integer distributions, of families that the weights name.
        parameters: how many it takes for each element; with none, its tables and windows are its own.
        mean_index: the location parameter, see `plic.core.slots.Head`.
        medians: float64 ``(C,)`` for a head with medians.
    """

    distributions: Distributions
    parameters: int
    mean_index: int | None
    medians: Tensor | None

    @classmethod
    def of(cls, head: nn.Module) -> FrozenHead:
        """From a head, or from a module that a head has been frozen to."""
        named = BUILT_IN | families_of(head)
        layout, mean_index = getattr(head, "layout", ()), getattr(head, "mean_index", None)
        if isinstance(head, Head):
            return cls(_Named(head, head.freeze(), named), len(layout), mean_index, None)
        offsets = getattr(head, "offsets", None)
        medians = offsets() if callable(offsets) else None
        return cls(_Named(head, cast(Distributions, head), named), len(layout), mean_index, medians)


@dataclass(frozen=True)
class _Named:
    """Distributions of families that the weights name: others could change behind the back of a stream."""

    head: nn.Module
    distributions: Distributions
    families: frozenset[Family]

    def __call__(
        self, parameters: npt.NDArray[np.float64], channels: npt.NDArray[np.int64], support: Support
    ) -> IntegerDistribution:
        made = joints.distribution(self.head, self.distributions, parameters, channels, support)
        if isinstance(made, MixtureDistribution) and not self.families.issuperset(made.families):
            unknown = next(family.name for family in made.families if family not in self.families)
            raise PlicError(
                f"the head uses the family {unknown!r}, which its weights do not name",
                hint="give the head, and what it freezes to, a plic.core.layers.Families that holds it",
            )
        return made


class FrozenNetworks(nn.Module):
    """All weights of a frozen codec. Probability networks are exact, the others ordinary float32 modules.

    Attributes:
        transform: analysis and synthesis.
        rate: gains.
        side_information: with exact synthesis and frozen head, or None.
        context: exact.
        head_module: the head, frozen if it owns parameters.
    """

    transform: Transform
    rate: Rate
    side_information: SideInformation | None
    context: Context

    def __init__(
        self,
        transform: Transform,
        rate: Rate,
        side_information: SideInformation | None,
        context: Context,
        head_module: nn.Module,
    ) -> None:
        super().__init__()
        self.transform = transform
        self.rate = rate
        self.side_information = side_information
        self.context = context
        self.head_module = head_module

    @property
    def head(self) -> FrozenHead:
        """The head of the conditional steps."""
        return FrozenHead.of(self.head_module)

    @classmethod
    def of(cls, codec: Codec) -> FrozenNetworks:
        """Freeze a codec's networks; the codec itself is not changed.

        Raises:
            ExactnessError: a probability network cannot be made exact.
            WeightsError: a weight outside the probability path does not fit half precision.
        """
        side, sums = codec.side_information, codec.recipe.exact_sums
        if side is not None:
            exact = (*side.exact_children, "head")
            side = cast(SideInformation, harden_children(side, exact, "side_information", sums))
        networks = cls(
            cast(Transform, harden_children(codec.transform, (), "transform")),
            cast(Rate, harden_children(codec.rate, (), "rate")),
            side,
            cast(Context, harden(codec.context, "context", sums)),
            harden(codec.head, "head", sums),
        )
        for name, parameter in networks.named_parameters():
            parameter.data = parameter.data.to(STORED).float()
            if not all_finite(parameter):
                raise WeightsError(
                    f"{name} does not fit half precision",
                    expected=f"finite weights up to {torch.finfo(STORED).max:g}",
                    hint="train again with a lower learning rate",
                )
        return networks.eval().requires_grad_(False)

    def stored(self) -> dict[str, Tensor]:
        """Every tensor as a weights file holds it."""
        parameters = {name for name, _ in self.named_parameters()}
        return {
            name: (tensor.to(STORED) if name in parameters else tensor).contiguous()
            for name, tensor in self.state_dict().items()
        }

    def fingerprint(self, recipe: str) -> bytes:
        """SHA-256 over all stored tensors and the ``recipe``'s own fingerprint, 32 bytes."""
        sha = hashlib.sha256(recipe.encode())
        for name, tensor in sorted(self.stored().items()):
            sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            sha.update(tensor.view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
        return sha.digest()

    def save(self, path: Path, recipe: Recipe) -> None:
        """Write a weights file, atomically."""
        # one entry only: several would be written in random order, and the file's hash would change from run to run
        text = f"# {self.fingerprint(recipe.fingerprint()).hex()}\n{recipe.to_yaml()}"
        write_atomically(path, safetensors.torch.save(self.stored(), {WEIGHTS_FORMAT: text}))

    def load(self, path: Path) -> None:
        """Replace all tensors by those of a weights file.

        Raises:
            WeightsError: the file is damaged, or of another architecture.
        """
        try:
            tensors = safetensors.torch.load(read_file(path))
        except safetensors.SafetensorError as error:
            raise WeightsError(
                f"{path} is not a weights file", got=str(error), hint="install plic again, or train the recipe"
            ) from error
        wanted = self.state_dict()
        if set(tensors) != set(wanted):
            difference = sorted(set(tensors) ^ set(wanted))
            raise WeightsError(
                f"{path} holds weights of another architecture",
                got=f"{len(tensors)} tensors, differing in {', '.join(difference[:3])}",
                expected=f"{len(wanted)} tensors",
                hint="use the recipe that the weights were trained with",
            )
        for name, tensor in tensors.items():
            _assign(self, name, tensor, path)


def split_metadata(text: str) -> tuple[str, str]:
    """Fingerprint in hexadecimal and recipe of a weights file's metadata entry."""
    comment, _, recipe = text.partition("\n")
    return comment.removeprefix("# "), recipe


def _assign(module: nn.Module, name: str, tensor: Tensor, path: Path) -> None:
    """Put a tensor where ``name`` says. Parameters keep their shape, integer tables may have any."""
    *owners, leaf = name.split(".")
    owner = module.get_submodule(".".join(owners))
    if leaf == EXTRA:
        try:
            owner.set_extra_state(tensor)
        except WeightsError as error:
            raise WeightsError(
                f"{path}: {error.problem}", got=error.got, expected=error.expected, hint=error.hint
            ) from error
        return
    current = getattr(owner, leaf)
    fixed = isinstance(current, nn.Parameter) or tensor.dtype is torch.int16
    if fixed and current.shape != tensor.shape:
        raise WeightsError(
            f"{path}: tensor {name} has another shape", got=tuple(tensor.shape), expected=tuple(current.shape)
        )
    if isinstance(current, nn.Parameter):
        current.data = tensor.to(current.dtype)
    else:
        setattr(owner, leaf, tensor)
