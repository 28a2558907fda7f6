"""What the command line of pytest says to the kit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Options:
    """Options of one test run.

    Attributes:
        examples: tries of each property, for all contracts; None leaves it to each contract.
    """

    examples: int | None = None


OPTIONS = Options()
"""Set by `plugin` when pytest starts."""
