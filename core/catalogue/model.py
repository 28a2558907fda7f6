"""What catalogues say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..fetching import Download


@dataclass(frozen=True)
class EarlierWeights:
    """Weights that came before others of the same recipe.

    Attributes:
        recipe: name of the recipe that they belong to.
        fingerprint: as streams carry it, 8 hexadecimal digits.
        note: what they were, a few words.
        revision: of the repository whose history holds them, 40 hexadecimal digits; empty if none does.
        file: their path in that repository; empty if it does not hold them.
        download: where they can be fetched from; None if nowhere.
    """

    recipe: str
    fingerprint: str
    note: str
    revision: str = ""
    file: str = ""
    download: Download | None = None

    @property
    def source(self) -> str:
        """Where they are, a few words."""
        return self.download.url if self.download is not None else f"revision {self.revision[:12]}"

    @property
    def hint(self) -> str:
        """How to decode a stream of these weights: the commands, for a message."""
        if self.download is not None:
            return f"decode without --model: plic then fetches those weights from {self.download.url}"
        name = f"{self.recipe}-{self.fingerprint}.safetensors"
        return (
            "fetch those weights from the history of plic's repository, in a clone of it, and decode with them:\n"
            f"      git show {self.revision}:{self.file} > {name}\n"
            f"      plic decode --model {name} FILE.plic -o FILE.png"
        )


@dataclass(frozen=True)
class WeightsEntry:
    """One file of trained weights: on this machine, or to be fetched.

    Attributes:
        recipe: name of the recipe that the weights belong to.
        sha256: of the file, as 64 hexadecimal digits.
        qualities: number of quality levels that the file serves.
        size: of the file, in bytes (key ``bytes`` in the YAML).
        path: of the file; None if it is fetched.
        url: where it is fetched from; empty if it is on this machine.
        measured: anything measured with the weights, for people to read.
        earlier: weights that came before these, by the fingerprint that their streams carry.
        origin: catalogue and line that say so, for messages.
    """

    recipe: str
    sha256: str
    qualities: int
    size: int
    path: Path | None = None
    url: str = ""
    measured: Mapping[str, Any] = field(default_factory=dict)
    earlier: Mapping[str, EarlierWeights] = field(default_factory=dict)
    origin: str = ""

    @property
    def download(self) -> Download | None:
        """What to fetch; None for a file of this machine."""
        return Download(self.url, self.sha256, self.size) if self.url else None


@dataclass(frozen=True)
class KnownProvider:
    """A plugin distribution that is known to provide parts.

    Attributes:
        distribution: its name.
        provides: ``(slot, id)`` of its parts.
        install: what installs it, for people; empty if ``pip install NAME`` does.
    """

    distribution: str
    provides: frozenset[tuple[str, str]]
    install: str = ""


@dataclass(frozen=True)
class Catalogue:
    """What one or several catalogue files say.

    Attributes:
        default: recipe that is used when none is named; empty if the file does not say.
        weights: by recipe name.
        providers: known plugin distributions.
        replaced: entries that later files put others in the place of, by recipe name, the latest first. Streams of
            theirs are still decoded.
        default_origin: catalogue and line that name the default.
    """

    default: str = ""
    weights: Mapping[str, WeightsEntry] = field(default_factory=dict)
    providers: tuple[KnownProvider, ...] = ()
    replaced: Mapping[str, tuple[WeightsEntry, ...]] = field(default_factory=dict)
    default_origin: str = ""

    def providers_of(self, slot: str, part: str) -> list[str]:
        """Distributions known to provide a part, sorted."""
        return sorted(known.distribution for known in self.providers if (slot, part) in known.provides)

    def install_line(self, distribution: str, requirement: str = "") -> str:
        """What installs a distribution: what its provider's entry says, or else ``pip install``.

        Args:
            distribution: its name.
            requirement: what pip is to be given where no entry says how; the name by default.
        """
        from packaging.utils import canonicalize_name  # only for messages

        wanted = canonicalize_name(distribution)
        said = (known.install for known in self.providers if canonicalize_name(known.distribution) == wanted)
        return next(said, "") or f"pip install {requirement or distribution}"

    def entries(self, recipe: str) -> list[WeightsEntry]:
        """All weights known for a recipe: those that are used, then those whose place they took."""
        used = self.weights.get(recipe)
        return [] if used is None else [used, *self.replaced.get(recipe, ())]

    def earlier(self, recipe: str, fingerprint: bytes) -> EarlierWeights | None:
        """What is known of weights that came with an earlier plic; None if nothing is."""
        wanted = fingerprint.hex()
        return next((entry.earlier[wanted] for entry in self.entries(recipe) if wanted in entry.earlier), None)

    def overlaid(self, later: Catalogue) -> Catalogue:
        """This catalogue with the entries of a later one, which win."""
        replaced = {
            name: (*later.replaced.get(name, ()), *self.entries(name))
            for name in later.weights
            if name in self.weights or name in later.replaced
        }
        providers = {known.distribution: known for known in (*self.providers, *later.providers)}
        merged = replace(
            self,
            weights={**self.weights, **later.weights},
            providers=tuple(providers.values()),
            replaced={**self.replaced, **replaced},
        )
        return replace(merged, default=later.default, default_origin=later.default_origin) if later.default else merged
