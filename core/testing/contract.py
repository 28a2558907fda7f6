"""What the contracts of all slots share: how checks are named, tried, and told when they fail."""

from __future__ import annotations

import copy
import json
import unittest
from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from typing import Any, ClassVar, Generic, TypeVar

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import HypothesisException
from hypothesis.strategies import SearchStrategy
from pydantic import ValidationError

from ..errors import PlicError
from ..plugins import Plugin
from ..recipe.schema import plain, settings_model, settings_of
from ..registry import PartSpec, Registry, default_registry
from .broken import ContractBroken, Finding, drawn_text, fail, require
from .options import OPTIONS

Part = TypeVar("Part")
Result = TypeVar("Result")
Check = Callable[..., None]
Strategy = SearchStrategy[Any] | Callable[[Any], SearchStrategy[Any]]


class Contract:
    """Base of all contracts.

    Attributes:
        plic_slot: the slot that the contract is about.
        examples: how often a property is tried, unless ``pytest --plic-examples`` says otherwise.
    """

    plic_slot: ClassVar[str]
    examples: ClassVar[int] = 20

    def described(self) -> str:
        """What is tested, for messages."""
        return type(self).__name__

    def judge(self, check: Check, drawn: dict[str, Any], run: Callable[[], Result]) -> Result:
        """Run something on behalf of a check.

        Args:
            check: names and states the contract.
            drawn: what the check is tried with.
            run: the check, or a part of it.

        Raises:
            ContractBroken: the check found something, or the part raised an error.
        """
        __tracebackhide__ = True
        try:
            return run()
        except Finding as found:
            broken = self._broken(check, found, drawn)
            raise broken.with_traceback(broken.found_at) from None
        except (ContractBroken, HypothesisException, unittest.SkipTest):
            raise
        except Exception as error:
            raised = Finding(f"it raised {type(error).__name__}", got=error, expected="no error")
            raise self._broken(check, raised, drawn) from error

    def _broken(self, check: Check, finding: Finding, drawn: dict[str, Any]) -> ContractBroken:
        statement = getattr(check, "__doc__", None) or ""
        name = contract_name(check.__name__)
        return ContractBroken(self.plic_slot, name, statement, self.described(), finding, drawn_text(drawn))


def contract_name(check: str) -> str:
    """The name of a contract from that of its check, ``test_steps_partition_the_elements``."""
    return check.removeprefix("test_").replace("_", " ")


def contract(check: Check) -> Check:
    """Makes a method a check: what it finds, and what the part raises, becomes `ContractBroken`."""

    @wraps(check)
    def test(self: Contract) -> None:
        __tracebackhide__ = True
        self.judge(check, {}, lambda: check(self))

    return _marked(test, check)


def for_any(**strategies: Strategy) -> Callable[[Check], Check]:
    """Makes a method a property: a check that is tried with arguments drawn by hypothesis.

    The properties that hypothesis runs are made anew for each test, so that they may be inherited, and so that the
    number of examples is the subclass's. The same examples are drawn every time.

    Args:
        strategies: how each of the method's arguments is drawn; a function receives the contract and gives a strategy.
    """

    def decorate(check: Check) -> Check:
        @wraps(check)
        def test(self: Contract) -> None:
            __tracebackhide__ = True
            drawn = self.judge(check, {}, lambda: {name: _given(s, self) for name, s in strategies.items()})

            def attempt(**values: Any) -> None:
                __tracebackhide__ = True
                self.judge(check, values, lambda: check(self, **values))

            try:
                _hypothesis_settings(OPTIONS.examples or self.examples)(given(**drawn)(attempt))()
            except ContractBroken as broken:  # without what hypothesis adds: the message has it all
                broken.__dict__.pop("__notes__", None)
                raise broken.with_traceback(broken.found_at) from broken.__cause__

        return _marked(test, check)

    return decorate


def _given(strategy: Strategy, contract: Contract) -> SearchStrategy[Any]:
    return strategy if isinstance(strategy, SearchStrategy) else strategy(contract)


def _hypothesis_settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


def _marked(test: Check, check: Check) -> Check:
    del test.__wrapped__  # type: ignore[attr-defined]  # pytest would look for the arguments among its fixtures
    test.plic_contract = check.__doc__ or contract_name(check.__name__)  # type: ignore[attr-defined]
    return test


class PartContract(Contract, Generic[Part]):
    """Base of the contracts of single parts.

    Attributes:
        part: the class to test, or the id that it is registered by.
        settings: as a recipe would give them.
    """

    part: ClassVar[type[Any] | str]
    settings: ClassVar[Mapping[str, Any]] = {}

    def wiring(self) -> tuple[object, ...]:
        """Positional arguments of the part's constructor, which the chain would deliver."""
        return ()

    def make(self, seed: int = 0) -> Part:
        """A new part, whose random weights follow from ``seed``."""
        values = settings_of(self._model().model_validate_json(json.dumps(plain(self.settings))))
        made: Part = _seeded(seed, lambda: self.part_class()(*self.wiring(), **values))
        return made

    def kept(self, name: str, make: Callable[[], Part]) -> Part:
        """A copy of what ``make`` gives, which is called once for each test: no example meets another's traces."""
        made: dict[str, Part] = self.__dict__.setdefault("_kept", {})
        if name not in made:
            made[name] = make()
        return copy.deepcopy(made[name])

    def part_class(self) -> type[Any]:
        """The class to test."""
        part = getattr(self, "part", None)
        if part is None:
            fail(
                "the test class names no part", expected="an attribute: part = YourPart, or the id it is registered by"
            )
        return default_registry().part(self.plic_slot, part) if isinstance(part, str) else part

    def described(self) -> str:
        part = getattr(self, "part", "no part")
        name = part if isinstance(part, str) else part.__qualname__
        return f"{name}({', '.join(f'{key}={value!r}' for key, value in self.settings.items())})"

    def _model(self) -> Any:
        spec = PartSpec(self.plic_slot, "part", self.part_class())
        return settings_model(spec.slot, spec.id, Registry([Plugin("testing", "testing", "0", "testing", (spec,))]))

    @contract
    def test_it_fills_the_slot(self) -> None:
        """The part is a concrete subclass of the slot's abstract class."""
        module = import_module(f"..slots.{self.plic_slot}", __package__)
        base = getattr(module, self.plic_slot.title().replace("_", ""))
        cls = self.part_class()
        require(issubclass(cls, base), f"it is no {base.__name__}", got=cls.__mro__, expected=base)
        missing = sorted(getattr(cls, "__abstractmethods__", ()))
        require(not missing, "it leaves methods of the slot out", got=", ".join(missing))

    @contract
    def test_settings_are_a_recipes_keys(self) -> None:
        """Keyword-only arguments of the constructor are what a recipe may set: annotated, with values as in JSON."""
        model = self._model()
        try:
            values = model.model_validate_json(json.dumps(plain(self.settings)))
        except ValidationError as error:
            fail("the settings do not fit their schema", got=error, expected=model.model_json_schema()["properties"])
        again = model.model_validate_json(json.dumps(plain(settings_of(values))))
        require(settings_of(again) == settings_of(values), "settings change on their way through JSON", got=again)
        model.model_json_schema()

    @contract
    def test_defaults_can_be_built(self) -> None:
        """With defaults the part can be built, or it says by a PlicError why these neighbours do not fit it."""
        fields = self._model().model_fields
        required = {field.alias for field in fields.values() if field.is_required()}
        values = settings_of(self._model().model_validate_json(json.dumps(plain(self.settings))))
        try:
            self.part_class()(*self.wiring(), **{key: values[key] for key in sorted(required)})
        except PlicError as error:
            require(bool(self.wiring()), "it refuses its own defaults", got=error.problem)


def _seeded(seed: int, make: Callable[[], Part]) -> Part:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def chosen(slot: str, choice: object, *wiring: object) -> Any:
    """A neighbour of the tested part.

    Args:
        slot: its slot.
        choice: a part, the id of a registered one, or ``{"use": id, ...}`` with settings as in a recipe.
        wiring: positional arguments of its constructor.
    """
    if isinstance(choice, str):
        choice = {"use": choice}
    if not isinstance(choice, Mapping):
        return choice
    given_settings = {key: value for key, value in choice.items() if key != "use"}
    registry = default_registry()
    model = settings_model(slot, choice["use"], registry).model_validate_json(json.dumps(plain(given_settings)))
    return _seeded(0, lambda: registry.part(slot, choice["use"])(*wiring, **settings_of(model)))
