"""Reading a catalogue file and checking every entry of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ..errors import PlicError, near_matches
from ..fetching import Download, url_fault
from ..fetching.model import ALLOWED
from ..files import names_like
from .model import Catalogue, EarlierWeights, KnownProvider, WeightsEntry

if TYPE_CHECKING:
    from .lines import Lines

T = TypeVar("T")
Keys = tuple[str, ...]
SUFFIX = ".safetensors"
TOP = ("default", "weights", "providers")
WEIGHTS = ("file", "url", "sha256", "qualities", "bytes", "measured", "earlier")
INSTALL = "install"
EARLIER = ("note", "revision", "file", "url", "sha256", "bytes")


def read_catalogue(path: Path, weights: Path | None = None) -> Catalogue:
    """Read and check a catalogue file.

    Args:
        path: of the file.
        weights: folder that the key ``file`` of its weights is relative to; the folder of the catalogue when None.

    Raises:
        PlicError: the file cannot be read or does not have the form of docs/registry.md; file, line and key are in the
            message.
    """
    from .lines import parse  # imports YAML, which `import plic` can do without

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"the catalogue {path} cannot be read: {error}"
        raise PlicError(problem, near=names_like(path), hint="check the path") from error
    data, lines = parse(text, str(path))
    return _Reader(path, lines, weights or path.absolute().parent).catalogue({} if data is None else data)


@dataclass(frozen=True)
class _Reader:
    """Turns the plain data of one file into entries, or says what is wrong with it and where."""

    path: Path
    lines: Lines
    folder: Path

    def catalogue(self, data: object) -> Catalogue:
        top = self.mapping((), data, TOP)
        default = top.get("default")
        weights = self.section(("weights",), top)
        providers = self.section(("providers",), top)
        return Catalogue(
            default="" if default is None else self.typed(("default",), default, str),
            weights={name: self.weights(name, entry) for name, entry in weights.items()},
            providers=tuple(self.provider(name, entry) for name, entry in providers.items()),
            default_origin=self.where(("default",)),
        )

    def weights(self, recipe: str, entry: object) -> WeightsEntry:
        at = ("weights", recipe)
        values = self.mapping(at, entry, WEIGHTS)
        sha256 = self.digits((*at, "sha256"), values.get("sha256"), 64)
        if ("file" in values) == ("url" in values):
            got = "both" if "file" in values else "neither"
            raise self.malformed(at, got, "either file (on this machine) or url (to be fetched)")
        earlier = self.section((*at, "earlier"), values)
        return WeightsEntry(
            recipe=recipe,
            sha256=sha256,
            qualities=self.count((*at, "qualities"), values.get("qualities")),
            size=self.count((*at, "bytes"), values.get("bytes")),
            path=self.file((*at, "file"), values["file"]) if "file" in values else None,
            url=self.url((*at, "url"), values["url"]) if "url" in values else "",
            measured=self.section((*at, "measured"), values),
            earlier={fingerprint: self.earlier(recipe, fingerprint, old) for fingerprint, old in earlier.items()},
            origin=self.where(at),
        )

    def earlier(self, recipe: str, fingerprint: str, entry: object) -> EarlierWeights:
        at = ("weights", recipe, "earlier", fingerprint)
        values = self.mapping(at, entry, EARLIER)
        digits = self.digits(at, fingerprint, 8)
        note = self.typed((*at, "note"), values.get("note"), str)
        historic, fetched = bool({"revision", "file"} & set(values)), bool({"url", "sha256", "bytes"} & set(values))
        if not historic and not fetched:
            raise self.malformed(at, ", ".join(values), "revision and file, or url, sha256 and bytes")
        download = None
        revision = self.digits((*at, "revision"), values.get("revision"), 40) if historic else ""
        file = self.typed((*at, "file"), values.get("file"), str) if historic else ""
        if fetched:
            url = self.url((*at, "url"), values.get("url"))
            sha256 = self.digits((*at, "sha256"), values.get("sha256"), 64)
            download = Download(url, sha256, self.count((*at, "bytes"), values.get("bytes")))
        return EarlierWeights(recipe, digits, note, revision, file, download)

    def provider(self, distribution: str, entry: object) -> KnownProvider:
        """``plic-student-t: {head: [student-t], install: pip install ...}``."""
        from ..registry import SLOTS, TOOLS  # which imports this room

        at = ("providers", distribution)
        provides: set[tuple[str, str]] = set()
        said = self.mapping(at, entry, (*SLOTS, *TOOLS, INSTALL))
        install = self.typed((*at, INSTALL), said[INSTALL], str) if INSTALL in said else ""
        for slot, ids in said.items():
            for part in self.typed((*at, slot), ids, list) if slot != INSTALL else ():
                provides.add((slot, self.typed((*at, slot), part, str)))
        return KnownProvider(distribution, frozenset(provides), install)

    def file(self, at: Keys, value: object) -> Path:
        name = self.typed(at, value, str)
        if not name.endswith(SUFFIX):
            raise self.malformed(at, name, f"a path that ends in {SUFFIX}: nothing else is read, and nothing executed")
        return self.folder / name

    def url(self, at: Keys, value: object) -> str:
        url = self.typed(at, value, str)
        if (fault := url_fault(url)) is not None:
            raise self.malformed(at, f"{url} ({fault})", ALLOWED)
        if not urlsplit(url).path.endswith(SUFFIX):
            raise self.malformed(at, url, f"a path that ends in {SUFFIX}: nothing else is read, and nothing executed")
        return url

    def section(self, at: Keys, values: dict[str, Any]) -> dict[str, Any]:
        """A mapping that may be absent, null or (as an empty one is sometimes written) an empty list."""
        return self.mapping(at, values.get(at[-1]) or {}, None)

    def mapping(self, at: Keys, value: object, keys: Keys | None) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.malformed(at, repr(value), "a mapping with names as keys")
        for key in value:
            if not isinstance(key, str):
                raise self.malformed(at, f"the key {key!r}", "names as keys; one that looks like a number in quotes")
            if keys is not None and key not in keys:
                raise self.malformed(at, f"the key {key!r}", f"only {', '.join(keys)}", near_matches(key, keys), key)
        return value

    def typed(self, at: Keys, value: object, kind: type[T]) -> T:
        if not isinstance(value, kind) or isinstance(value, bool):
            words = {str: "text; in quotes if it looks like a number", int: "a whole number", list: "a list, [a, b]"}
            got = "nothing" if value is None else repr(value)
            raise self.malformed(at, got, words[kind])
        return value

    def count(self, at: Keys, value: object) -> int:
        number = self.typed(at, value, int)
        if number < 1:
            raise self.malformed(at, number, "1 or more")
        return number

    def digits(self, at: Keys, value: object, count: int) -> str:
        digits = self.typed(at, value, str)
        if len(digits) != count or set(digits) - set("0123456789abcdef"):
            raise self.malformed(at, digits, f"{count} lower-case hexadecimal digits")
        return digits

    def where(self, at: Keys) -> str:
        """File and line of a key, or of the nearest one around it."""
        while at and at not in self.lines:
            at = at[:-1]
        return f"{self.path}:{self.lines[at]}" if at else str(self.path)

    def malformed(
        self, at: Keys, got: object, expected: str, near: list[str] | None = None, key: str | None = None
    ) -> PlicError:
        where = self.where(at if key is None else (*at, key))
        what = ".".join(at) or "the catalogue"
        hint = "mend the file; docs/registry.md shows its form"
        return PlicError(f"{where}: {what} is malformed", got=got, expected=expected, near=near or (), hint=hint)
