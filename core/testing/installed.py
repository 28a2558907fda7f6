"""The contracts of an installed plugin, run by pytest in a process of its own, for `plic plugin check`.

::

    parent ── PLIC_CHECK: a plan as JSON ──> this module ── pytest ── contracts
    parent <── one event as JSON for each line ── standard output

A distribution says how its parts are tried by an entry point in the group ``plic.contracts`` that names a module with
contract classes. A part that no class there is about is tried with its defaults.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TextIO

import pytest

from ..plugins import Plugin, load_plugins
from ..registry import PartSpec, canonical
from .broken import ContractBroken
from .contract import Contract, contract_name
from .options import OPTIONS

GROUP = "plic.contracts"
PLAN = "PLIC_CHECK"
TEST = f"from {__package__}.installed import classes, planned\n\nglobals().update(classes(planned()))\n"
"""What pytest collects."""


@dataclass(frozen=True)
class Plan:
    """What is to be tried.

    Attributes:
        distribution: canonical name of it.
        parts: which of its parts, as ``slot.id``.
        settings: of parts by ``slot.id``; such a part is tried with them, and not as its distribution says.
        examples: tries of each property; None leaves it to each contract.
    """

    distribution: str
    parts: list[str]
    settings: dict[str, dict[str, Any]]
    examples: int | None = None


def planned() -> Plan:
    """The plan of this process."""
    return Plan(**json.loads(os.environ[PLAN]))


def classes(plan: Plan) -> dict[str, type[Contract]]:
    """Test classes for pytest, by name.

    ``plic_trial`` of each says what it is about, ``plic_owned`` which packages are the plugin's.
    """
    parts = {f"{spec.slot}.{spec.id}": spec for plugin in _plugins(plan) for spec in plugin.parts}
    stated = list(_stated(plan))
    made: list[type[Contract]] = []
    for name in plan.parts:
        spec, settings = parts[name], plan.settings.get(name)
        own = [kind for kind in stated if _is_about(kind, spec)] if settings is None else []
        if own:
            made += [_trial(kind, (spec.slot, spec.id), kind.__qualname__) for kind in own]
        else:
            attributes = {"part": spec.cls, "settings": settings or {}}
            made.append(_trial(_contract_of(spec.slot), (spec.slot, spec.id), "", **attributes))
    others = [kind for kind in stated if not any(_is_about(kind, spec) for spec in parts.values())]
    made += [_trial(kind, (kind.plic_slot, ""), kind.__qualname__) for kind in others]
    owned = {_package(kind.__module__) for kind in (*stated, *(spec.cls for spec in parts.values()))}
    return {f"Test{n}": type(f"Test{n}", (kind,), {"plic_owned": owned}) for n, kind in enumerate(made)}


def _package(module: object) -> str:
    return str(module).split(".")[0]


def _plugins(plan: Plan) -> list[Plugin]:
    return [one for one in load_plugins() if not one.builtin and canonical(one.distribution) == plan.distribution]


def _stated(plan: Plan) -> Iterator[type[Contract]]:
    """Contract classes that the distribution's entry points name."""
    for entry in entry_points(group=GROUP):
        if entry.dist is None or canonical(entry.dist.name) != plan.distribution:
            continue
        module = entry.load()
        for value in vars(module).values():
            own = inspect.isclass(value) and issubclass(value, Contract) and value.__module__ == module.__name__
            if own and (hasattr(value, "part") or hasattr(value, "recipe")):  # others are bases of such
                yield value


def _is_about(kind: type[Contract], spec: PartSpec) -> bool:
    return kind.plic_slot == spec.slot and getattr(kind, "part", None) in (spec.cls, spec.id)


def _contract_of(slot: str) -> type[Contract]:
    from ...testing import CONTRACTS

    return CONTRACTS[slot]


def _trial(kind: type[Contract], slot_and_id: tuple[str, str], stated: str, **attributes: Any) -> type[Contract]:
    about = dict(zip(("slot", "id"), slot_and_id, strict=True), stated=stated)
    return type("Trial", (kind,), {**attributes, "plic_trial": about, "__module__": __name__})


class Reporter:
    """Tells the parent what happens, as a pytest plugin."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def tell(self, event: str, **facts: Any) -> None:
        """One line for the parent."""
        print(json.dumps({"event": event, **facts}), file=self._stream, flush=True)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """What cannot be collected: a module of contracts that cannot be imported, for instance."""
        if report.failed:
            self.tell("problem", message=str(report.longrepr))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """One row, when a check is done."""
        report = yield
        if report.when == "call" or not report.passed:
            self.tell("row", **_row(item, call, report))
        return report


def _row(item: Any, call: pytest.CallInfo[None], report: pytest.TestReport) -> dict[str, Any]:
    error = call.excinfo.value if call.excinfo is not None else None
    message = place = ""
    if error is not None:
        message = str(error) if isinstance(error, ContractBroken) else f"{type(error).__name__}: {error}"
        place = _place(error.__cause__ or error, item.cls.plic_owned)
    if report.skipped:
        message = str(getattr(error, "msg", error))
    return {
        **item.cls.plic_trial,
        "described": item.cls().described(),
        "contract": contract_name(getattr(item, "originalname", item.name)),
        "statement": getattr(item.obj, "plic_contract", ""),
        "outcome": "skipped" if report.skipped else "broken" if report.failed else "holds",
        "message": message,
        "place": place,
    }


def _place(error: BaseException, owned: set[str]) -> str:
    """The innermost line of the plugin's own packages; empty if the error did not pass through them."""
    found = ""
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if _package(frame.f_globals.get("__name__")) in owned:
            found = f"{frame.f_code.co_filename}:{trace.tb_lineno}, in {frame.f_code.co_name}"
        trace = trace.tb_next
    return found


def main() -> int:
    """Run the plan of this process."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what parts print is not taken for an event
    reporter, plan = Reporter(stream), planned()
    OPTIONS.examples = plan.examples
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        (Path(folder) / "test_installed.py").write_text(TEST, encoding="utf-8")
        options = ["-q", "-p", "no:cacheprovider", "--rootdir", folder, "-c", str(Path(folder) / "pytest.ini")]
        try:
            pytest.main([*options, str(Path(folder) / "test_installed.py")], plugins=[reporter])
        except BaseException:
            reporter.tell("problem", message=traceback.format_exc())
            raise
    reporter.tell("end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
