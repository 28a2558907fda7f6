"""``plic weights``, and the progress of weights that any other command fetches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from ..catalogue import Catalogue, WeightsEntry, is_shipped
from ..errors import WeightsError
from ..fetching import cached_path, is_sound, reporting, sha256_of
from ..fetching.model import ALLOWED, url_fault
from ..recipe import load_recipe
from ..recipe.find import SUFFIXES, registry_beside
from ..registry import Registry, default_registry
from ..trained import at_hand, entry_of, weights_file
from .bars import Bar


@dataclass(frozen=True)
class WeightsFact:
    """One entry of the catalogue, and what is there of it.

    Attributes:
        recipe: name.
        state: ``shipped``, ``file``, ``fetched``, ``to fetch`` or ``missing``; ``sound`` or ``damaged`` after a check.
        size: in bytes.
        qualities: number of levels.
        place: the file, or the URL of one that is to be fetched.
        origin: catalogue file and line that list it.
    """

    recipe: str
    state: str
    size: int
    qualities: int
    place: str
    origin: str

    def row(self) -> tuple[str, ...]:
        """For people."""
        return (self.recipe, self.state, f"{self.size:,} bytes", self.place, f"[{self.origin}]")

    def as_dict(self) -> dict[str, str | int]:
        """For JSON."""
        return asdict(self)


@contextmanager
def fetch_bar() -> Iterator[None]:
    """Shows a progress bar for each file that is fetched inside the block."""
    bar = Bar()

    def show(label: str, done: int, total: int) -> None:
        bar.advance(label, done, total)
        if done >= total:
            bar.close()

    try:
        with reporting(show):
            yield
    finally:
        bar.close()


def list_weights(names: Sequence[str] = (), registry: Registry | None = None) -> list[WeightsFact]:
    """Entries of the catalogue.

    Args:
        names: recipes, or paths of recipes with a ``registry.yaml`` beside them; every entry when empty.
        registry: that of the installation by default.

    Raises:
        PlicError: a name has no entry.
    """
    return [_fact(entry) for entry in _entries(names, registry)]


def fetch_weights(names: Sequence[str], registry: Registry | None = None) -> Iterator[WeightsFact]:
    """Make sure that weights are on this machine, and sound.

    Args:
        names: as for `list_weights`; all that can be fetched when empty.
        registry: that of the installation by default.

    Raises:
        PlicError: a name has no entry, or its weights cannot be had.
    """
    for entry in _entries(names, registry):
        if names or entry.url:
            with fetch_bar():
                weights_file(entry)
            yield _fact(entry)


def verify_weights(names: Sequence[str] = (), registry: Registry | None = None) -> Iterator[WeightsFact]:
    """As `list_weights`, with the digest of every file that is there computed; nothing is fetched."""
    for entry in _entries(names, registry):
        path = _path(entry)
        there = at_hand(entry)
        state = ("sound" if is_sound(path, entry.sha256) else "damaged") if there else None
        yield _fact(entry, state)


def catalogue_entry(file: str, url: str | None = None) -> str:
    """The lines that list a weights file in a catalogue, to be put into a ``registry.yaml``.

    Args:
        file: a weights file, as `plic train` writes it.
        url: from where others will fetch it; None lists the file itself.

    Raises:
        PlicError: it is no weights file, or nothing is fetched from such a URL.
    """
    from ..api import load_file

    if url is not None and (fault := url_fault(url)) is not None:
        raise WeightsError(f"nothing is fetched from {url}: {fault}", expected=ALLOWED, hint="name another place")
    path = Path(file)
    codec = load_file(path)
    source = f"file: {path}" if url is None else f"url: {url}"
    return "\n".join(
        [
            "weights:",
            f"  {codec.recipe.name}:",
            f"    {source}",
            f"    sha256: '{sha256_of(path)}'",
            f"    qualities: {codec.networks.rate.levels}",
            f"    bytes: {path.stat().st_size}",
        ]
    )


def _entries(names: Sequence[str], registry: Registry | None) -> list[WeightsEntry]:
    registry = registry or default_registry()
    if not names:
        return [registry.catalogue.weights[name] for name in sorted(registry.catalogue.weights)]
    return [entry_of(*_named(name, registry)) for name in names]


def _named(name: str, registry: Registry) -> tuple[str, Catalogue]:
    if not name.endswith(SUFFIXES):
        return name, registry.catalogue
    return load_recipe(name, registry=registry).name, registry_beside(name, registry).catalogue


def _path(entry: WeightsEntry) -> Path:
    return cached_path(entry.sha256) if entry.path is None else entry.path


def _fact(entry: WeightsEntry, state: str | None = None) -> WeightsFact:
    there = at_hand(entry)
    if entry.url:
        usual, place = ("fetched", str(_path(entry))) if there else ("to fetch", entry.url)
    else:
        usual = ("shipped" if is_shipped(entry) else "file") if there else "missing"
        place = str(_path(entry))
    return WeightsFact(entry.recipe, state or usual, entry.size, entry.qualities, place, entry.origin)
