"""The pytest plugin, loaded wherever plic is installed: it must stay light.

It marks the tests of contracts with ``plic_contract``, adds ``--plic-examples``, and puts the name of a broken
contract and its statement into a section of the report.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import pytest

from .broken import ContractBroken
from .options import OPTIONS

MARKER = "plic_contract"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--plic-examples``."""
    parser.getgroup("plic").addoption(
        "--plic-examples",
        type=_positive,
        metavar="N",
        help="tries of each property of a contract (default: each contract's own number)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and hand the option on."""
    config.addinivalue_line("markers", f"{MARKER}(slot): a check of the conformance kit, see plic.testing")
    OPTIONS.examples = config.getoption("--plic-examples")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what comes from the kit, so that ``-m plic_contract`` chooses it."""
    slot = getattr(getattr(item, "cls", None), "plic_slot", None)
    if isinstance(slot, str) and _contract_of(item) is not None:
        item.add_marker(pytest.mark.plic_contract(slot))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell which contract a failing test is about."""
    report = yield
    statement = _contract_of(item)
    if report.failed and statement is not None:
        slot = getattr(getattr(item, "cls", None), "plic_slot", "?")
        broken = call.excinfo.value if call.excinfo is not None else None
        name = broken.contract if isinstance(broken, ContractBroken) else item.name
        report.sections.append(("plic contract", f"{slot}: {name}\n{statement}"))
    return report


def pytest_report_header(config: pytest.Config) -> Sequence[str]:
    """Say so when the number of examples is not the usual one."""
    return [f"plic: {OPTIONS.examples} examples for each property of a contract"] if OPTIONS.examples else []


def _contract_of(item: Any) -> str | None:
    """The statement of the contract that a test checks; None for other tests."""
    statement = getattr(getattr(item, "obj", None), "plic_contract", None)
    return statement if isinstance(statement, str) else None


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("a positive number is needed")
    return number
