"""Families that come from a plugin's file, and how weights name them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from ..errors import PlicError, WeightsError
from ..probability import Family


class Families(nn.Module):
    """The families of a plugin that a head's integer distributions are made of.

    A head keeps it as an attribute, and so does what the head freezes to if that is a module. It has no weights. To a
    weights file it adds the SHA-256 of each table, in order: so the tables count in the fingerprint that streams carry,
    and weights that were made with other tables are refused when they are loaded.

    Args:
        families: in the order in which the head counts them.

    Raises:
        PlicError: there are none.
    """

    def __init__(self, families: Iterable[Family]) -> None:
        super().__init__()
        self.members = tuple(families)
        if not self.members:
            raise PlicError("there is no family to make distributions of", expected="one at least")

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[Family]:
        return iter(self.members)

    def extra_repr(self) -> str:
        return ", ".join(family.name for family in self.members)

    def get_extra_state(self) -> Tensor:
        """Digests, uint8 ``(families, 32)``."""
        return torch.tensor([list(family.digest) for family in self.members], dtype=torch.uint8)

    def set_extra_state(self, state: object) -> None:
        """Compare with the digests of a weights file or checkpoint.

        Raises:
            WeightsError: they are of other tables.
        """
        own = self.get_extra_state()
        if not isinstance(state, Tensor) or state.shape != own.shape or state.dtype is not torch.uint8:
            got = tuple(state.shape) if isinstance(state, Tensor) else type(state).__name__
            raise WeightsError("the weights name other families", got=got, expected=f"{len(self)} families", hint=HINT)
        for family, stored in zip(self.members, state.cpu(), strict=True):
            digest = bytes(stored.tolist())
            if digest != family.digest:
                raise WeightsError(
                    f"the weights were made with another table of the family {family.name!r}",
                    got=f"SHA-256 {digest.hex()}",
                    expected=family.digest.hex(),
                    hint=HINT,
                )


HINT = "install the version of the plugin that the weights were made with; `requires` in their recipe names it"


def families_of(module: nn.Module) -> frozenset[Family]:
    """Every family that the module's weights name."""
    return frozenset(family for child in module.modules() if isinstance(child, Families) for family in child.members)
