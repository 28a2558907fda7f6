"""What a new distribution, its modules, its part and its class are called, and which names are refused."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec

import yaml

from ..errors import PluginError, UnknownName, near_matches
from ..registry import SLOTS, TOOLS, Registry

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 32
"""Characters of a name: so that what is written stays within its line length."""
OWN_MODULES = ("contracts", "__init__")
PREFIX = "plic-"


@dataclass(frozen=True)
class Names:
    """Names that fit together.

    Attributes:
        distribution: what pip installs.
        slot: of the part.
        part: its id in recipes.
    """

    distribution: str
    slot: str
    part: str

    @property
    def module(self) -> str:
        """The package that is imported."""
        return self.distribution.replace("-", "_")

    @property
    def part_module(self) -> str:
        """The module inside it that holds the part."""
        return self.part.replace("-", "_")

    @property
    def cls(self) -> str:
        """The class of the part."""
        return "".join(word.capitalize() for word in self.part.split("-"))

    @classmethod
    def checked(cls, distribution: str, slot: str, part: str | None, registry: Registry) -> Names:
        """Names that nothing speaks against.

        Args:
            distribution: as the user wrote it.
            slot: likewise; a hyphen counts as an underscore.
            part: id; by default that of the distribution without ``plic-``.
            registry: knows which parts there are.

        Raises:
            UnknownName: there is no such slot.
            PluginError: a name is malformed, taken, or no name in Python.
        """
        slot = slot.replace("-", "_")
        if slot not in (known := (*SLOTS, *TOOLS)):
            near = near_matches(slot, known)
            raise UnknownName(f"there is no slot {slot!r}", expected=f"one of {', '.join(known)}", near=near)
        _check_form("name of a distribution", distribution, "NAME")
        names = cls(distribution, slot, part or distribution.removeprefix(PREFIX))
        _check_form("id of a part", names.part, "--part")
        if not isinstance(yaml.safe_load(names.part), str):
            problem = f"in a recipe {names.part!r} would not be read as text"
            raise PluginError(problem, hint="give the part another id: --part ID")
        names._check_module()
        names._check_part(registry)
        return names

    def _check_module(self) -> None:
        if keyword.iskeyword(self.module):
            raise PluginError(
                f"{self.module!r} is a word of Python, so no module can be called that",
                hint=f"take another name, for instance {PREFIX}{self.distribution}",
            )
        if self.module == "plic" or self.module in sys.stdlib_module_names or find_spec(self.module) is not None:
            raise PluginError(
                f"a module {self.module!r} is installed already",
                got=f"the distribution {self.distribution}, whose module would be {self.module}",
                hint="take a name that nothing else has, or uninstall what has it",
            )

    def _check_part(self, registry: Registry) -> None:
        if self.part in registry.ids(self.slot):
            raise PluginError(
                f"{self.slot} {self.part!r} is there already",
                got=f"provided by {registry.provider(self.slot, self.part)}",
                hint="give the part another id: --part ID",
            )
        if keyword.iskeyword(self.part_module) or keyword.iskeyword(self.cls) or self.part_module in OWN_MODULES:
            raise PluginError(
                f"a part {self.part!r} cannot have a module {self.part_module!r} and a class {self.cls!r}",
                hint="give the part another id: --part ID",
            )


def _check_form(what: str, name: str, option: str) -> None:
    if NAME.fullmatch(name) and len(name) <= LONGEST:
        return
    proposal = "-".join(re.findall(r"[a-z0-9]+", name.lower())).lstrip("0123456789-")[:LONGEST].rstrip("-")
    raise PluginError(
        f"{name!r} is no {what}",
        expected=f"lower-case letters and digits, joined by hyphens, a letter first, at most {LONGEST} characters",
        near=[proposal] if NAME.fullmatch(proposal) else [],
        hint=f"change {option}",
    )
