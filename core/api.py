"""The Python interface: from a name to a codec."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import safetensors

from .catalogue import WeightsEntry
from .codec import Codec, assemble
from .container import Header
from .errors import StreamMismatch, UnknownName, WeightsError
from .fetching import Progress, reporting
from .frozen import FrozenCodec
from .networks import WEIGHTS_FORMAT, split_metadata
from .recipe import load_recipe, recipe_from_text
from .recipe.find import SUFFIXES, registry_beside
from .registry import default_registry
from .trained import SUFFIX, candidates, check_trained_as, entry_of, weights_file


def build(recipe: str | Path, overrides: Mapping[str, Any] | None = None) -> Codec:
    """A trainable codec with fresh weights.

    Args:
        recipe: name or path of a recipe.
        overrides: changed settings, for instance ``{"head.use": "gaussian"}``.

    Raises:
        RecipeError: the recipe is unknown or does not validate.
    """
    return assemble(load_recipe(recipe, overrides))


def load(name: str | Path | None = None, quality: float | None = None, progress: Progress | None = None) -> FrozenCodec:
    """A codec with trained weights, ready to encode and decode.

    Weights that the catalogue (`registry.yaml`) has at a URL are fetched on first use and verified.

    Args:
        name: a recipe that the catalogue has weights for (the default recipe if None); the path of a recipe, whose
            weights may be listed in a ``registry.yaml`` beside it; or the path of a weights file, as `plic train`
            writes it.
        quality: default quality of `FrozenCodec.encode`, a level or a point between two; the highest if None.
        progress: called while weights are fetched, with what they are, the bytes that are there, and those of the
            whole.

    Raises:
        WeightsError: there are no such weights, they are damaged, or cannot be fetched.
        PlicError: there is no such quality.
    """
    with reporting(progress):
        codec = _loaded(default_registry().catalogue.default if name is None else str(name))
    if quality is not None:
        codec.quality = codec.level(quality)
    return codec


def _loaded(name: str) -> FrozenCodec:
    if name.endswith(SUFFIX):
        return load_file(Path(name))
    if not name.endswith(SUFFIXES):
        return _listed(entry_of(name, default_registry().catalogue))
    recipe = load_recipe(name)
    entry = entry_of(recipe.name, registry_beside(name, default_registry()).catalogue, name)
    codec = _listed(entry)
    check_trained_as(recipe, codec.recipe, entry)
    return codec


def _listed(entry: WeightsEntry) -> FrozenCodec:
    codec = load_file(weights_file(entry))
    if codec.recipe.name != entry.recipe:  # streams name the recipe, so that no decoder would find the entry
        raise WeightsError(
            f"{entry.origin}: the weights listed for recipe {entry.recipe!r} are those of another",
            got=f"weights of recipe {codec.recipe.name!r}",
            expected=f"weights of recipe {entry.recipe!r}",
            hint=f"list them under weights: {codec.recipe.name}:",
        )
    return codec


def load_file(path: Path) -> FrozenCodec:
    """The codec of a weights file. The file names parts by their ids; nothing in it is executed.

    Raises:
        WeightsError: the file is missing or damaged.
        RecipeError: its recipe needs parts that are not installed.
    """
    if not path.is_file():
        raise WeightsError(f"there is no weights file {path}", hint="train one with `plic train`, or give another path")
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path} is not a weights file", got=str(error), hint="fetch or train it again") from error
    if WEIGHTS_FORMAT not in metadata:
        raise WeightsError(
            f"{path} does not hold frozen plic weights",
            got=f"metadata {', '.join(metadata) or 'none'}",
            expected=f"metadata {WEIGHTS_FORMAT}",
            hint="give a weights.safetensors that `plic train` wrote",
        )
    stated, text = split_metadata(metadata[WEIGHTS_FORMAT])
    frozen = assemble(recipe_from_text(text, str(path))).eval().freeze()
    frozen.networks.load(path)
    codec = FrozenCodec(frozen.recipe, frozen.networks, frozen.schedule, frozen.quantizer, frozen.coder)
    if (found := codec.networks.fingerprint(codec.recipe.fingerprint()).hex()) != stated:
        raise WeightsError(
            f"the weights in {path} are damaged", got=found, expected=stated, hint="fetch or train them again"
        )
    return codec


@lru_cache(maxsize=2)
def codec_for(recipe: str, fingerprint: bytes) -> FrozenCodec:
    """The codec that decodes streams of a recipe and weights, from the weights that the catalogue lists.

    Raises:
        WeightsError: plic comes with no weights for the recipe.
        StreamMismatch: they are not those that the stream was made with. If an earlier plic came with those, the
            message says where they are.
    """
    catalogue = default_registry().catalogue
    found: list[str] = []
    try:
        for path in candidates(catalogue, recipe, fingerprint):
            codec = load_file(path)
            if codec.fingerprint == fingerprint:
                return codec
            found.append(codec.fingerprint.hex())
    except (UnknownName, WeightsError) as error:
        raise StreamMismatch(
            f"the stream was made with recipe {recipe!r}, for which this plic has no sound weights",
            got=error.problem,
            expected=error.expected,
            hint=f"give the weights file it was made with: --model FILE; or {error.hint}",
        ) from error
    if (earlier := catalogue.earlier(recipe, fingerprint)) is not None:
        raise StreamMismatch(
            f"the stream was made with weights of recipe {recipe!r} that came with an earlier plic",
            got=f"{earlier.fingerprint}: {earlier.note}, {earlier.source}",
            expected=", ".join(found),
            hint=earlier.hint,
        )
    raise StreamMismatch(
        f"the stream was made with other weights of recipe {recipe!r} than those that come with this plic",
        got=fingerprint.hex(),
        expected=", ".join(found),
        hint="give the weights file it was made with (--model FILE), or install the plic version that made it",
    )


def codec_of(header: Header) -> FrozenCodec:
    """As `codec_for`, for a stream's header."""
    return codec_for(header.recipe, header.fingerprint)
