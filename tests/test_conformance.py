"""Every built-in part and every shipped recipe passes the conformance kit; see docs/testing.md and wirings.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from small import RECIPES, SMALL
from wirings import rate_overrides, unknown, wirings

from plic.core.registry import SLOTS, TOOLS
from plic.plugins.builtin import PARTS
from plic.testing import CONTRACTS, CodecContract, Contract


def camel(text: str) -> str:
    return "".join(word.title() for word in text.replace("_", "-").split("-"))


def of_parts() -> Iterator[tuple[str, type[Contract]]]:
    """A class of tests for each built-in part and each of its wirings."""
    for slot, parts in PARTS.items():
        for part in parts if slot in CONTRACTS else ():
            for number, wiring in enumerate(wirings(slot, part)):
                name = f"Test{camel(slot)}{camel(part)}{number or ''}"
                yield name, type(name, (CONTRACTS[slot],), {"part": part, "__module__": __name__, **wiring})


def of_recipes() -> Iterator[tuple[str, type[Contract]]]:
    """A class of tests for each shipped recipe, made small."""
    for recipe in RECIPES:
        name = f"TestRecipe{camel(recipe)}"
        attributes = {"recipe": recipe, "overrides": SMALL[recipe], "rate_overrides": rate_overrides(recipe)}
        yield name, type(name, (CodecContract,), {"__module__": __name__, **attributes})


GENERATED = dict([*of_parts(), *of_recipes()])
globals().update(GENERATED)


def test_every_slot_has_a_contract() -> None:
    assert set(CONTRACTS) == {*SLOTS, *TOOLS} == set(PARTS)


@pytest.mark.parametrize("slot", PARTS)
def test_every_part_is_tested(slot: str) -> None:
    tests = [test for test in GENERATED.values() if test.plic_slot == slot]
    tested = {getattr(test, "part", None) for test in tests}
    assert tested == set(PARTS[slot])


def test_no_wiring_is_left_over() -> None:
    assert unknown() == set()


def test_every_check_states_its_contract() -> None:
    for kind in {*CONTRACTS.values(), CodecContract}:
        for name in dir(kind):
            if name.startswith("test_"):
                statement = getattr(kind, name).plic_contract
                assert statement.endswith(".")
                assert "\n" not in statement, f"{kind.__name__}.{name}: one line"
