"""The catalogue ``registry.yaml``: what is shipped, and which plugin is known to provide what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from .errors import PlicError

T = TypeVar("T")
CATALOGUE = Path(__file__).resolve().parent.parent / "registry.yaml"


@dataclass(frozen=True)
class EarlierWeights:
    """Weights that came with an earlier plic, and still lie in the history of its repository.

    Attributes:
        recipe: name of the recipe that they belong to.
        fingerprint: as streams carry it, 8 hexadecimal digits.
        note: what they were, a few words.
        revision: of the repository that holds them, 40 hexadecimal digits.
        file: their path in the repository.
    """

    recipe: str
    fingerprint: str
    note: str
    revision: str
    file: str

    @property
    def hint(self) -> str:
        """How to decode a stream of these weights: the commands, for a message."""
        name = f"{self.recipe}-{self.fingerprint}.safetensors"
        return (
            "fetch those weights from the history of plic's repository, in a clone of it, and decode with them:\n"
            f"      git show {self.revision}:{self.file} > {name}\n"
            f"      plic decode --model {name} FILE.plic -o FILE.png"
        )


@dataclass(frozen=True)
class WeightsEntry:
    """One file of trained weights.

    Attributes:
        recipe: name of the recipe that the weights belong to.
        file: path below ``weights/``.
        sha256: of the file, as 64 hexadecimal digits.
        qualities: number of quality levels that the file serves.
        size: of the file, in bytes (key ``bytes`` in the YAML).
        measured: anything measured with the weights, for people to read.
        earlier: weights that came before these, by the fingerprint that their streams carry.
    """

    recipe: str
    file: str
    sha256: str
    qualities: int
    size: int
    measured: Mapping[str, Any] = field(default_factory=dict)
    earlier: Mapping[str, EarlierWeights] = field(default_factory=dict)


@dataclass(frozen=True)
class KnownProvider:
    """A plugin distribution that is known to provide parts: ``provides`` lists ``(slot, id)``."""

    distribution: str
    provides: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Catalogue:
    """What ``registry.yaml`` says.

    Attributes:
        default: recipe that is used when none is named.
        weights: by recipe name.
        providers: known plugin distributions.
    """

    default: str = "house"
    weights: Mapping[str, WeightsEntry] = field(default_factory=dict)
    providers: tuple[KnownProvider, ...] = ()

    def providers_of(self, slot: str, part: str) -> list[str]:
        """Distributions known to provide a part, sorted."""
        return sorted(known.distribution for known in self.providers if (slot, part) in known.provides)

    def earlier(self, recipe: str, fingerprint: bytes) -> EarlierWeights | None:
        """What is known of weights that came with an earlier plic; None if nothing is."""
        entry = self.weights.get(recipe)
        return None if entry is None else entry.earlier.get(fingerprint.hex())


@cache
def shipped_catalogue() -> Catalogue:
    """The catalogue of this installation."""
    return read_catalogue(CATALOGUE)


def read_catalogue(path: Path) -> Catalogue:
    """Read and check a catalogue.

    Raises:
        PlicError: the file cannot be read or does not have the form described in ``registry.yaml``.
    """
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PlicError(f"the catalogue {path} cannot be read: {error}", hint="reinstall plic") from error
    top = _mapping(path, "the catalogue", data, {"default", "weights", "providers"})
    weights = _section(path, top, "weights")
    providers = _section(path, top, "providers")
    return Catalogue(
        default=_typed(path, "default", top.get("default"), str),
        weights={name: _weights(path, name, entry) for name, entry in weights.items()},
        providers=tuple(_provider(path, name, entry) for name, entry in providers.items()),
    )


def _weights(path: Path, recipe: str, entry: object) -> WeightsEntry:
    where = f"weights.{recipe}"
    values = _mapping(path, where, entry, {"file", "sha256", "qualities", "bytes", "measured", "earlier"})
    earlier = _mapping(path, f"{where}.earlier", values.get("earlier") or {}, None)
    return WeightsEntry(
        recipe=recipe,
        file=_typed(path, f"{where}.file", values.get("file"), str),
        sha256=_digits(path, f"{where}.sha256", values.get("sha256"), 64),
        qualities=_typed(path, f"{where}.qualities", values.get("qualities"), int),
        size=_typed(path, f"{where}.bytes", values.get("bytes"), int),
        measured=_section(path, values, "measured"),
        earlier={fingerprint: _earlier(path, recipe, fingerprint, old) for fingerprint, old in earlier.items()},
    )


def _earlier(path: Path, recipe: str, fingerprint: str, entry: object) -> EarlierWeights:
    where = f"weights.{recipe}.earlier.{fingerprint}"
    values = _mapping(path, where, entry, {"note", "revision", "file"})
    return EarlierWeights(
        recipe=recipe,
        fingerprint=_digits(path, where, fingerprint, 8),
        note=_typed(path, f"{where}.note", values.get("note"), str),
        revision=_digits(path, f"{where}.revision", values.get("revision"), 40),
        file=_typed(path, f"{where}.file", values.get("file"), str),
    )


def _provider(path: Path, distribution: str, entry: object) -> KnownProvider:
    """``plic-student-t: {head: [student-t]}``."""
    provides: set[tuple[str, str]] = set()
    for slot, ids in _mapping(path, f"providers.{distribution}", entry, None).items():
        for part in _typed(path, f"providers.{distribution}.{slot}", ids, list):
            provides.add((slot, _typed(path, f"providers.{distribution}.{slot}", part, str)))
    return KnownProvider(distribution, frozenset(provides))


def _section(path: Path, values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A mapping that may be absent, null or (as an empty one is sometimes written) an empty list."""
    return _mapping(path, key, values.get(key) or {}, None)


def _mapping(path: Path, where: str, value: object, keys: set[str] | None) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise _malformed(path, where, value, "a mapping with names as keys")
    if keys is not None and not set(value) <= keys:
        raise _malformed(path, where, ", ".join(sorted(set(value) - keys)), f"only {', '.join(sorted(keys))}")
    return value


def _typed(path: Path, where: str, value: object, kind: type[T]) -> T:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _malformed(path, where, repr(value), f"a value of type {kind.__name__}")
    return value


def _digits(path: Path, where: str, value: object, count: int) -> str:
    digits = _typed(path, where, value, str)
    if len(digits) != count or set(digits) - set("0123456789abcdef"):
        raise _malformed(path, where, digits, f"{count} lower-case hexadecimal digits")
    return digits


def _malformed(path: Path, where: str, got: object, expected: str) -> PlicError:
    hint = "mend the file or reinstall plic"
    return PlicError(f"{path}: {where} is malformed", got=got, expected=expected, hint=hint)
