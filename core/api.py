"""The Python interface: from a name to a codec."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import safetensors

from .catalogue import shipped_catalogue
from .codec import Codec, assemble
from .container import Header
from .errors import StreamMismatch, UnknownName, WeightsError, near_matches
from .files import read_file
from .frozen import FrozenCodec
from .networks import WEIGHTS_FORMAT, split_metadata
from .recipe import load_recipe, recipe_from_text

WEIGHTS = Path(__file__).resolve().parent.parent / "weights"
SUFFIX = ".safetensors"


def build(recipe: str | Path, overrides: Mapping[str, Any] | None = None) -> Codec:
    """A trainable codec with fresh weights.

    Args:
        recipe: name or path of a recipe.
        overrides: changed settings, for instance ``{"head.use": "gaussian"}``.

    Raises:
        RecipeError: the recipe is unknown or does not validate.
    """
    return assemble(load_recipe(recipe, overrides))


def load(name: str | Path | None = None, quality: float | None = None) -> FrozenCodec:
    """A codec with trained weights, ready to encode and decode.

    Args:
        name: a recipe whose weights come with plic (the default recipe if None), or the path of a weights file, as
            `plic train` writes it.
        quality: default quality of `FrozenCodec.encode`, a level or a point between two; the highest if None.

    Raises:
        WeightsError: there are no such weights, or they are damaged.
        PlicError: there is no such quality.
    """
    name = shipped_catalogue().default if name is None else str(name)
    codec = load_file(Path(name)) if name.endswith(SUFFIX) else load_file(_shipped(name))
    if quality is not None:
        codec.quality = codec.level(quality)
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
    """The codec that decodes streams of a recipe and weights, from the weights that come with plic.

    Raises:
        WeightsError: plic comes with no weights for the recipe.
        StreamMismatch: they are not those that the stream was made with. If an earlier plic came with those, the
            message says where they are.
    """
    try:
        codec = load(recipe)
    except (UnknownName, WeightsError) as error:
        raise StreamMismatch(
            f"the stream was made with recipe {recipe!r}, for which this plic has no sound weights",
            got=error.problem,
            hint="give the weights file it was made with: --model FILE",
        ) from error
    if codec.fingerprint != fingerprint:
        if (earlier := shipped_catalogue().earlier(recipe, fingerprint)) is not None:
            raise StreamMismatch(
                f"the stream was made with weights of recipe {recipe!r} that came with an earlier plic",
                got=f"{earlier.fingerprint}: {earlier.note}, revision {earlier.revision[:12]}",
                expected=codec.fingerprint.hex(),
                hint=earlier.hint,
            )
        raise StreamMismatch(
            f"the stream was made with other weights of recipe {recipe!r} than those that come with this plic",
            got=fingerprint.hex(),
            expected=codec.fingerprint.hex(),
            hint="give the weights file it was made with (--model FILE), or install the plic version that made it",
        )
    return codec


def codec_of(header: Header) -> FrozenCodec:
    """As `codec_for`, for a stream's header."""
    return codec_for(header.recipe, header.fingerprint)


def _shipped(name: str) -> Path:
    catalogue = shipped_catalogue()
    entry = catalogue.weights.get(name)
    if entry is None:
        from .recipe import list_recipes

        trained = ", ".join(sorted(catalogue.weights)) or "none"
        if name not in list_recipes():
            raise UnknownName(
                f"no recipe is called {name!r}",
                expected=f"a recipe with weights ({trained}), or a path that ends in {SUFFIX}",
                near=near_matches(name, list_recipes()),
                hint="`plic recipes` lists all recipes",
            )
        raise WeightsError(
            f"plic comes with no trained weights for recipe {name!r}",
            expected=f"a recipe with weights ({trained}), or a path that ends in {SUFFIX}",
            hint=f"train it: plic train {name} --data FOLDER --out FOLDER",
        )
    path = WEIGHTS / entry.file
    if not path.is_file() or hashlib.sha256(read_file(path)).hexdigest() != entry.sha256:
        raise WeightsError(
            f"the weights of recipe {name!r} are missing or damaged",
            got=f"{path}{'' if path.is_file() else ' (missing)'}",
            expected=f"SHA-256 {entry.sha256}",
            hint="install plic again",
        )
    return path
