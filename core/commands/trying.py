"""Parts of an installed plugin against the contracts of their slots: pytest in another process, told row by row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ROOT = __package__.rpartition(".")[0]
CHILD = f"{ROOT}.testing.installed"
"""The module that the other process runs, and PLAN is how it is told what: the kit imports pytest, this does not."""
PLAN = "PLIC_CHECK"
WIDTH = 46
INDENT = 11
LEAST_ROOM = 30
SAID = ("  contract: ", "  part: ")
LAST_LINES = 12
"""Of the other process's own output, where it broke down."""


@dataclass(frozen=True)
class Row:
    """One contract, tried with one part.

    Attributes:
        slot: of the part; ``codec`` for a contract of a whole recipe.
        id: of the part; empty for what is about no registered part.
        stated: the contract class of the distribution that says how the part is tried; empty where it says nothing.
        described: part and settings that it was tried with.
        contract: its name, as docs/testing.md lists it.
        statement: what it says, likewise.
        outcome: ``holds``, ``broken`` or ``skipped``.
        message: what was found, or why it was skipped.
        place: the line of the plugin's own that raised an error, where one did.
    """

    slot: str
    id: str
    stated: str
    described: str
    contract: str
    statement: str
    outcome: str
    message: str
    place: str

    @property
    def trial(self) -> tuple[str, ...]:
        """What the rows of one way of trying a part have in common."""
        return self.slot, self.id, self.stated, self.described

    @property
    def heading(self) -> str:
        """The way of trying, for people."""
        what = f"{self.slot} {self.id}" if self.id else self.slot
        how = f"{self.stated} says, {self.described}" if self.stated else self.described
        return f"{what}, tried as {how}"

    def lines(self, width: int) -> list[str]:
        """The row, for people: what does not hold is explained.

        Args:
            width: columns that there are. In few of them, the statement stands below the contract's name.
        """
        mark = {"holds": "holds", "broken": "BROKEN", "skipped": "skipped"}[self.outcome]
        lines = [f"{mark:9}{self.contract + ' ':{WIDTH}}{self.statement}"]
        if len(lines[0]) > width:
            room = max(width - INDENT, LEAST_ROOM)
            lines = [f"{mark:9}{self.contract}", *(" " * INDENT + line for line in textwrap.wrap(self.statement, room))]
        if self.outcome != "holds":
            lines += [f"{'':{INDENT}}{line.strip()}" for line in self._found()]
        if self.place:
            lines.append(f"{'':{INDENT}}raised:   {self.place}")
        return lines

    def _found(self) -> list[str]:
        """The message without what the row and its heading say already."""
        first, *rest = self.message.splitlines() or [""]
        return [first.partition(" is broken: ")[2] or first] + [line for line in rest if not line.startswith(SAID)]


def try_parts(
    distribution: str,
    parts: Sequence[str],
    settings: Mapping[str, Mapping[str, Any]],
    examples: int | None,
    problem: Callable[[str], None],
) -> Iterator[Row]:
    """Try the parts of a distribution.

    Args:
        distribution: its canonical name.
        parts: which of its parts, as ``slot.id``.
        settings: of some parts, by ``slot.id``, instead of what the distribution states.
        examples: tries of each property; each contract's own number if None.
        problem: receives what goes wrong beside the contracts.

    Yields:
        Rows, as they come.
    """
    plan = {"distribution": distribution, "parts": list(parts), "settings": settings, "examples": examples}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment |= {PLAN: json.dumps(plan, default=str), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        command = [sys.executable, "-P", "-m", CHILD]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=said, text=True)
        ended = False
        try:
            for line in process.stdout or ():
                event = json.loads(line)
                kind = event.pop("event")
                if kind == "row":
                    yield Row(**event)
                elif kind == "problem":
                    problem(f"its contracts cannot be run\n{event['message']}")
                ended = ended or kind == "end"
        finally:
            if not ended:  # nobody reads on, or it broke down
                process.kill()
            process.wait()
        if not ended:
            said.seek(0)
            last = "\n".join(said.read().splitlines()[-LAST_LINES:])
            problem(f"the process that tried its parts ended too soon, with code {process.returncode}\n{last}")
