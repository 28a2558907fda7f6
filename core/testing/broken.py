"""What a contract's check finds, and how it is told."""

from __future__ import annotations

from typing import Any, NoReturn

LONGEST = 400
"""Characters of one line of a message; what is longer is cut in the middle."""


class Finding(Exception):
    """Something is not as a contract says. Raised inside a check, which knows the contract's name.

    Args:
        problem: what went wrong, one sentence without a full stop.
        got: what was seen.
        expected: what would have been right.
        at: where it was seen, beside what the check was drawn with.
    """

    def __init__(self, problem: str, *, got: object = None, expected: object = None, at: str = "") -> None:
        super().__init__(problem)
        self.problem, self.got, self.expected, self.at = problem, got, expected, at


class ContractBroken(AssertionError):
    """A part does not do what its slot promises.

    Attributes:
        slot: name of the slot.
        contract: name of the contract, as its check is called.
        found_at: where it was found.
    """

    __module__ = "plic.testing"  # what pytest's summary shows

    def __init__(self, slot: str, contract: str, statement: str, part: str, finding: Finding, drawn: str = "") -> None:
        self.slot, self.contract = slot, contract
        self.found_at = finding.__traceback__
        where = ", ".join(text for text in (drawn, finding.at) if text)
        lines = [f"{slot} contract '{contract}' is broken: {finding.problem}"]
        lines += [
            f"  {title + ':':<10}{_shortened(str(text))}"
            for title, text in (
                ("contract", statement),
                ("part", part),
                ("at", where or None),
                ("got", finding.got),
                ("expected", finding.expected),
            )
            if text is not None
        ]
        super().__init__("\n".join(lines))


def fail(problem: str, *, got: object = None, expected: object = None, at: str = "") -> NoReturn:
    """The contract is broken; arguments as for `Finding`."""
    __tracebackhide__ = True
    raise Finding(problem, got=got, expected=expected, at=at)


def require(condition: bool, problem: str, *, got: object = None, expected: object = None, at: str = "") -> None:
    """The contract is broken unless the condition holds; other arguments as for `Finding`."""
    __tracebackhide__ = True
    if not condition:
        raise Finding(problem, got=got, expected=expected, at=at)


def drawn_text(drawn: dict[str, Any]) -> str:
    """What a check was tried with, for its message."""
    return ", ".join(f"{name}={value!r}" for name, value in drawn.items())


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"
