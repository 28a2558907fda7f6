"""Which combinations of swaps a study looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from ..errors import PlicError
from .swaps import Level, Swap

LARGEST = 1000
"""Variants; a grid of more is a mistake in the command rather than a study."""
BASE = "base"


class Design(StrEnum):
    """How swaps are combined.

    ``ONE_AT_A_TIME`` changes one thing, ``FULL`` combines every value with every other, and ``DROP_ONE`` changes all to
    their last value and then sets one back at a time.
    """

    ONE_AT_A_TIME = "one-at-a-time"
    FULL = "full"
    DROP_ONE = "drop-one"


@dataclass(frozen=True)
class Variant:
    """One combination.

    Attributes:
        label: for people; no two of a study are equal.
        levels: what is changed, by the target of the swap; what is not there is as in the base.
        dropped: in a drop-one study, the target that was set back to the base.
    """

    label: str
    levels: Mapping[str, Level]
    dropped: str | None = None

    @property
    def is_base(self) -> bool:
        """Nothing is changed."""
        return not self.levels


def variants(swaps: Sequence[Swap], design: Design) -> tuple[Variant, ...]:
    """The combinations of a design; the base comes first, whatever the design.

    Raises:
        PlicError: there are too many.
    """
    base = Variant(BASE, {})
    if design is Design.ONE_AT_A_TIME:
        found = [_variant({swap.target: level}) for swap in swaps for level in swap.levels]
    elif design is Design.FULL:
        _check_size(swaps)
        targets = [swap.target for swap in swaps]
        combinations = product(*(swap.levels for swap in swaps))
        found = [_variant(dict(zip(targets, levels, strict=True))) for levels in combinations] if swaps else []
    else:
        found = _drop_one({swap.target: swap.levels[-1] for swap in swaps})
    return (base, *found)


def _variant(levels: Mapping[str, Level]) -> Variant:
    return Variant(", ".join(f"{target}={level.text}" for target, level in levels.items()), levels)


def _drop_one(last: Mapping[str, Level]) -> list[Variant]:
    found = [Variant("all swaps", last)] if last else []
    if len(last) > 1:  # with one swap, setting it back is the base
        for dropped in last:
            levels = {target: level for target, level in last.items() if target != dropped}
            found.append(Variant(f"all but {dropped}", levels, dropped))
    return found


def _check_size(swaps: Sequence[Swap]) -> None:
    count = 1
    for swap in swaps:
        count *= len(swap.levels)
    if count > LARGEST:
        raise PlicError(
            "the grid is too large",
            got=f"{count} combinations",
            expected=f"at most {LARGEST}",
            hint="take fewer values, or --one-at-a-time",
        )
