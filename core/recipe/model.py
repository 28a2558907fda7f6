"""What a recipe is once it has been read and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..exact import ExactSums
from ..registry import SLOTS
from .schema import FORMAT, plain
from .training import TrainingSettings
from .yaml_source import dump_yaml

ENCODER_ONLY = ("coder", "distortion")
"""Slots that do not shape what the decoder's networks compute."""


@dataclass(frozen=True)
class PartChoice:
    """The part that fills a slot.

    Attributes:
        slot: name of the slot.
        id: of the part.
        settings: every setting of the part, defaults filled in.
        training_only: the settings that shape nothing but training.
    """

    slot: str
    id: str
    settings: Mapping[str, Any]
    training_only: frozenset[str] = frozenset()

    def resolved(self) -> dict[str, Any]:
        """As a recipe writes it, with every setting."""
        return {"use": self.id} | {key: plain(value) for key, value in self.settings.items()}

    def shaping(self) -> dict[str, Any]:
        """`resolved` without the settings that only training sees."""
        return {key: value for key, value in self.resolved().items() if key not in self.training_only}


@dataclass(frozen=True)
class Recipe:
    """A checked recipe: registered ids only, every setting filled in.

    Attributes:
        name: by which streams and weights refer to it.
        title: one line for people.
        paper: where the codec was published.
        notes: free text, for instance where each number comes from.
        training: how it is trained.
        requires: version specifiers by the distributions that it needs.
        tile: side, in latent sites, of the pieces that pictures are transformed in; None leaves it to plic.
        channel_means: whether streams state offsets that keep the mean of each colour channel. Encoders alone look at
            it: a decoder learns it from the stream.
        exact_sums: the numbers in which the probability path adds up columns, see `plic.core.exact`.
        source: the file that it was read from.
    """

    name: str
    transform: PartChoice
    context: PartChoice
    schedule: PartChoice
    head: PartChoice
    quantizer: PartChoice
    coder: PartChoice
    rate: PartChoice
    distortion: PartChoice
    training: TrainingSettings
    side_information: PartChoice | None = None
    title: str = ""
    paper: str = ""
    notes: str = ""
    requires: Mapping[str, str] = field(default_factory=dict)
    tile: int | None = None
    channel_means: bool = False
    exact_sums: ExactSums = ExactSums.DOUBLE
    source: Path | None = None

    @property
    def choices(self) -> list[PartChoice]:
        """The filled slots, in the order of the chain."""
        return [choice for slot in SLOTS if (choice := getattr(self, slot)) is not None]

    def resolved(self) -> dict[str, Any]:
        """The recipe as plain data with every default filled in: the artefact to keep beside a result."""
        texts = {key: getattr(self, key) for key in ("title", "paper", "notes") if getattr(self, key)}
        return {
            "plic": FORMAT,
            "name": self.name,
            **texts,
            **{slot: self._slot(slot) for slot in SLOTS},
            **({} if self.tile is None else {"tile": self.tile}),
            **({"channel_means": True} if self.channel_means else {}),
            **self._sums(),
            "training": self.training.model_dump(mode="json"),
            "requires": dict(self.requires),
        }

    def to_yaml(self) -> str:
        """`resolved` as YAML; loading it gives an equal recipe."""
        return dump_yaml(self.resolved())

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, over everything that shapes the decoder.

        That is the format, ``exact_sums``, and the resolved parts except coder and distortion, without the settings
        that a part's class lists as ``training_only``. Names, texts, ``channel_means`` and training do not count.
        """
        choices = {slot: self.slot(slot) for slot in SLOTS if slot not in ENCODER_ONLY}
        shaping = {slot: None if choice is None else choice.shaping() for slot, choice in choices.items()}
        text = json.dumps(
            {"plic": FORMAT} | self._sums() | shaping, sort_keys=True, separators=(",", ":"), ensure_ascii=True
        )
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def slot(self, name: str) -> PartChoice | None:
        """What fills a slot; None where it is empty."""
        choice: PartChoice | None = getattr(self, name)
        return choice

    def _sums(self) -> dict[str, str]:
        """Stated where it is not the default: recipes without it keep their fingerprint."""
        return {} if self.exact_sums is ExactSums.DOUBLE else {"exact_sums": self.exact_sums.value}

    def _slot(self, name: str) -> dict[str, Any] | None:
        choice = self.slot(name)
        return None if choice is None else choice.resolved()
