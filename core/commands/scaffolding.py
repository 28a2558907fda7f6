"""``plic plugin new``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..registry import Registry, default_registry
from ..scaffold import Names, write_distribution


@dataclass(frozen=True)
class NewDistribution:
    """What was written.

    Attributes:
        folder: of the new distribution.
        files: in it, relative to it.
        names: of what it holds.
    """

    folder: Path
    files: tuple[Path, ...]
    names: Names

    def next_steps(self) -> list[str]:
        """Commands to go on with."""
        return [
            f"cd {self.folder}",
            "pip install -e '.[dev]'",
            "python -m pytest",
            f"plic plugin check {self.names.distribution}",
        ]


def new_distribution(
    name: str, slot: str, part: str | None = None, out: str = ".", registry: Registry | None = None
) -> NewDistribution:
    """Write a new distribution with one part.

    Args:
        name: of the distribution, and of the new folder.
        slot: of the part.
        part: its id; by default the name without ``plic-``.
        out: folder to put the new folder into.
        registry: knows which parts there are.

    Raises:
        PlicError: a name is malformed or taken, or the folder exists or cannot be written.
    """
    names = Names.checked(name, slot, part, registry or default_registry())
    folder = Path(out)
    return NewDistribution(folder / name, tuple(write_distribution(names, folder)), names)
