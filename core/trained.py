"""From a name, or a stream's header, to a verified file of trained weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .catalogue import Catalogue, WeightsEntry, is_shipped
from .errors import UnknownName, WeightsError, near_matches
from .fetching import cached_path, fetch, is_sound
from .recipe import Recipe, list_recipes
from .recipe.model import ENCODER_ONLY
from .registry import SLOTS

SUFFIX = ".safetensors"


def entry_of(name: str, catalogue: Catalogue, file: str = "") -> WeightsEntry:
    """The weights that a catalogue has for a recipe.

    Args:
        name: of the recipe.
        catalogue: where they may be listed.
        file: of the recipe, if it was given by its path.

    Raises:
        UnknownName: there is neither a recipe nor an entry of that name.
        WeightsError: there is a recipe, but nobody trained it.
    """
    entry = catalogue.weights.get(name)
    if entry is not None:
        return entry
    if file:
        raise WeightsError(
            f"no weights are listed for {file}, the recipe {name!r}",
            expected=f"weights.{name} in a registry.yaml beside it, or the path of its weights, which ends in {SUFFIX}",
            hint=f"plic train {file} --data FOLDER --out OUT, then plic weights entry OUT/weights{SUFFIX}",
        )
    trained = ", ".join(sorted(catalogue.weights)) or "none"
    expected = f"a recipe with weights ({trained}), or a path that ends in {SUFFIX}"
    asks = f"{catalogue.default_origin}: " if name == catalogue.default else ""
    if name not in (recipes := list_recipes()):
        raise UnknownName(
            f"{asks}no recipe is called {name!r}",
            expected=expected,
            near=near_matches(name, {*recipes, *catalogue.weights}),
            hint="`plic recipes` lists all recipes",
        )
    raise WeightsError(
        f"{asks}plic comes with no trained weights for recipe {name!r}",
        expected=expected,
        hint=f"train it: plic train {name} --data FOLDER --out FOLDER",
    )


def weights_file(entry: WeightsEntry) -> Path:
    """The file of an entry, verified; fetched if it is elsewhere and was not fetched before.

    Raises:
        WeightsError: it is missing, damaged, or cannot be fetched.
        FileError: the cache cannot be written.
    """
    if (download := entry.download) is not None:
        return fetch(download, f"weights of {entry.recipe}")
    path = entry.path
    if path is None or not is_sound(path, entry.sha256):
        missing = path is None or not path.is_file()
        raise WeightsError(
            f"the weights of recipe {entry.recipe!r} are missing or damaged",
            got=f"{path}{' (missing)' if missing else ''}",
            expected=f"SHA-256 {entry.sha256}, as {entry.origin} says",
            hint="install plic again" if is_shipped(entry) else "put the right file there, or mend that entry",
        )
    return path


def at_hand(entry: WeightsEntry) -> bool:
    """Whether the file is on this machine, sound or not."""
    return (cached_path(entry.sha256) if entry.path is None else entry.path).is_file()


def candidates(catalogue: Catalogue, recipe: str, fingerprint: bytes) -> Iterator[Path]:
    """Files in which a stream's weights may be: those at hand first, then one that is fetched when its turn comes.

    Raises:
        UnknownName: as `entry_of`.
        WeightsError: as `entry_of` and `weights_file`.
    """
    used = entry_of(recipe, catalogue)
    here = [entry for entry in catalogue.entries(recipe) if at_hand(entry)]
    yield from map(weights_file, here)
    earlier = catalogue.earlier(recipe, fingerprint)
    if earlier is not None and earlier.download is not None:
        yield fetch(earlier.download, f"weights {earlier.fingerprint} of {recipe}")
    elif used not in here:
        yield weights_file(used)


def check_trained_as(recipe: Recipe, trained: Recipe, entry: WeightsEntry) -> None:
    """Refuse weights that belong to another codec than a recipe file describes now.

    Settings that the weights do not state, because a part learned to take them later, do not count.

    Raises:
        WeightsError: parts or settings differ; they are named.
    """
    differing = []
    for slot in SLOTS:
        if slot in ENCODER_ONLY:
            continue
        now, then = recipe.slot(slot), trained.slot(slot)
        wanted = {} if now is None else now.shaping()
        stated = {} if then is None else then.shaping()
        if (now is None) != (then is None) or any(wanted.get(key) != value for key, value in stated.items()):
            differing.append(slot)
    if recipe.exact_sums is not trained.exact_sums:
        differing.append("exact_sums")
    if differing:
        raise WeightsError(
            f"the weights listed for recipe {recipe.name!r} were trained as something else than it is now",
            got=f"those of {entry.origin}, which differ in {', '.join(differing)}",
            expected=f"weights of {recipe.source}",
            hint="give the recipe a name of its own and train it, or load the weights by their path",
        )
