"""Deliberately broken parts: the conformance kit catches each, and its message names the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import broken_parts as broken
import pytest
from small import SMALL
from wirings import rate_overrides

from plic.core.codec import Codec
from plic.testing import CONTRACTS, CodecContract, Contract, ContractBroken

SMALL_GDN = {"channels": 4}
FUSED = {"features": 6, "fusion": [8]}
BROKEN: list[tuple[str, type, str, dict[str, Any]]] = [
    ("transform", broken.WrongStride, "shapes", {"settings": SMALL_GDN}),
    ("transform", broken.ShortMargin, "margin is honest", {"settings": SMALL_GDN}),
    ("transform", broken.ShortMargin, "pieces give what the whole gives", {"settings": SMALL_GDN}),
    ("transform", broken.Forgetful, "weights survive a round trip", {"settings": SMALL_GDN}),
    ("transform", broken.Detached, "gradients go back to the latent", {"settings": SMALL_GDN}),
    ("transform", broken.DeadLayer, "gradients reach every parameter", {"settings": SMALL_GDN}),
    ("schedule", broken.MissesOne, "steps partition the elements", {}),
    ("schedule", broken.TwiceTheFirst, "steps partition the elements", {}),
    ("schedule", broken.EmptyStep, "no step is empty", {}),
    ("schedule", broken.Shuffled, "steps are the same each time", {}),
    ("schedule", broken.MixedGroups, "groups cover the channels in order", {}),
    ("context", broken.Peeks, "no peeking", {"settings": FUSED}),
    ("context", broken.LastBit, "steps give what a whole pass gives", {"settings": FUSED}),
    ("context", broken.LongReach, "reach is honest", {}),
    ("context", broken.Remembers, "walks do not disturb one another", {"settings": FUSED}),
    ("context", broken.Inexact, "it can be made exact", {"settings": FUSED}),
    ("context", broken.Normalises, "threads and batches change no bit", {"settings": FUSED}),
    ("head", broken.MassOfLess, "likelihood sums to one", {}),
    ("head", broken.WrongMean, "mean index moves the distribution", {}),
    ("head", broken.NoFrequency, "every symbol has a frequency", {}),
    ("head", broken.OtherScale, "integers match the likelihood", {}),
    ("head", broken.Unnamed, "families of others are named", {}),
    ("head", broken.Unbounded, "likelihood is positive", {}),
    ("head", broken.Unbounded, "gradients are finite", {}),
    ("coder", broken.DropsLastByte, "lossless", {}),
    ("coder", broken.NeverVerifies, "bytes left over are found", {}),
    ("coder", broken.Crashes, "truncated streams are found", {}),
    ("quantizer", broken.RoundsDown, "views stay within half a step", {"settings": {"surrogate": "mixed"}}),
    ("quantizer", broken.NoGradient, "gradients pass unchanged", {}),
    ("rate", broken.OneWay, "unscale inverts scale", {}),
    ("rate", broken.UpsideDown, "higher levels are finer", {}),
    ("rate", broken.Truncates, "fractions lie between levels", {}),
    ("rate", broken.TakesNearbyLevels, "whole qualities are levels", {}),
    ("distortion", broken.MeanOfBatch, "one number for each image", {}),
    ("distortion", broken.RootOfSquares, "gradients are finite", {}),
    ("distortion", broken.Unannotated, "settings are a recipes keys", {}),
    ("distortion", broken.RaisesAtOnce, "one number for each image", {}),
    ("side_information", broken.NotCropped, "shapes", {"settings": {"channels": 4}}),
    ("side_information", broken.Hidden, "synthesis can be made exact", {}),
    ("refiner", broken.Insatiable, "budgets are kept", {}),
    ("refiner", broken.Insatiable, "result is the best that was found", {}),
]
"""Slot, broken part, the contract that it breaks, attributes of its contract class."""


def check_of(kind: type[Contract], name: str, **attributes: Any) -> Callable[[], None]:
    """A check of a contract, as pytest would call it."""
    made = type("TestBroken", (kind,), attributes)()
    check: Callable[[], None] = getattr(made, f"test_{name.replace(' ', '_')}")
    return check


@pytest.mark.parametrize(("slot", "part", "name", "attributes"), BROKEN, ids=lambda x: getattr(x, "__name__", None))
def test_broken_parts_are_caught(slot: str, part: type, name: str, attributes: dict[str, Any]) -> None:
    with pytest.raises(ContractBroken) as caught:
        check_of(CONTRACTS[slot], name, part=part, **attributes)()
    message = str(caught.value)
    assert message.startswith(f"{slot} contract '{name}' is broken: ")
    assert (caught.value.slot, caught.value.contract) == (slot, name)
    assert f"  part:     {part.__name__}(" in message
    for line in message.splitlines():
        assert len(line) < 500


def test_messages_say_where_and_what() -> None:
    with pytest.raises(ContractBroken) as caught:
        check_of(CONTRACTS["schedule"], "steps partition the elements", part=broken.MissesOne)()
    assert str(caught.value).splitlines() == [
        "schedule contract 'steps partition the elements' is broken: there are elements in no step",
        "  contract: The steps are disjoint and together hold every element, for any size from 1x1.",
        "  part:     MissesOne()",
        "  at:       channels=1, height=1, width=1, reach=0",
        "  got:      1, first (0, 0, 0)",
        "  expected: each in one step",
    ]


def test_errors_of_a_part_are_the_cause() -> None:
    with pytest.raises(ContractBroken, match=r"it raised ValueError(?s:.*)width=1(?s:.*)too narrow") as caught:
        check_of(CONTRACTS["distortion"], "one number for each image", part=broken.RaisesAtOnce)()
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("slot", ["head", "schedule"])
def test_a_class_without_a_part_says_so(slot: str) -> None:
    with pytest.raises(ContractBroken, match="the test class names no part"):
        check_of(CONTRACTS[slot], "shapes" if slot == "head" else "no step is empty")()


def test_a_context_without_a_schedule_says_so() -> None:
    class Lonely(broken.Peeks):
        orders = frozenset({"spiral"})

    with pytest.raises(ContractBroken, match=r"no registered schedule has an order(?s:.*)spiral(?s:.*)`schedule`"):
        check_of(CONTRACTS["context"], "shapes", part=Lonely)()


# --- whole codecs ---------------------------------------------------------------------------------------------------


class BrokenCodec(CodecContract):
    """A small codec, one part of which is replaced."""

    recipe = "fu2021"  # on the integer grid the encoder computes all steps at once, the decoder one after the other
    overrides = SMALL["fu2021"]
    rate_overrides = rate_overrides("fu2021")
    replaced: Callable[[Codec], None]

    def make(self, **overrides: Any) -> Codec:
        codec = super().make(**overrides)
        type(self).replaced(codec)
        return codec


def last_bit(codec: Codec) -> None:
    """The decoder's parameters differ from the encoder's in the last bit."""
    codec.context.__class__ = broken.LastBit


def cheats(codec: Codec) -> None:
    """The estimate is too low by a tenth."""
    likelihood = codec.head.likelihood
    codec.head.likelihood = lambda parameters, values: likelihood(parameters, values) ** 0.9  # type: ignore[method-assign]


def detached(codec: Codec) -> None:
    """No gradient reaches the analysis."""
    analysis = codec.transform.analysis
    codec.transform.analysis = lambda x: analysis(x).detach()  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("replaced", "name"),
    [
        (last_bit, "latents are lossless"),
        (cheats, "files are what the model promises"),
        (detached, "gradients reach every parameter"),
    ],
)
def test_broken_codecs_are_caught(replaced: Callable[[Codec], None], name: str) -> None:
    with pytest.raises(ContractBroken, match=f"^codec contract '{name}' is broken: "):
        check_of(BrokenCodec, name, replaced=staticmethod(replaced))()
