"""Checkpoints of other frameworks: what reads them, and the way from a checkpoint to a codec of a recipe."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from .codec import Codec, assemble
from .errors import PlicError, WeightsError
from .files import read_file, what_it_seems
from .recipe import Recipe, list_recipes, load_recipe
from .registry import Registry, default_registry

Checkpoint = Mapping[str, Tensor]
"""Tensors by the names that the other framework gave them."""

WRAPPERS = ("state_dict", "model_state_dict", "network", "model", "net")
"""Keys under which training scripts keep the weights, beside optimisers and counters."""
PREFIXES = ("module.", "_orig_mod.")
"""What wrapping a model for several devices, or compiling it, puts before every name."""
SHOWN = 8


@dataclass(frozen=True)
class Conversion:
    """A checkpoint in plic's terms.

    Attributes:
        tensors: by the names of the codec's state dict.
        origins: what each of them was called in the checkpoint.
        dropped: names in the checkpoint that are left out on purpose, e.g. tables that are made anew.
    """

    tensors: Mapping[str, Tensor]
    origins: Mapping[str, str]
    dropped: tuple[str, ...]


class Importer(ABC):
    """Reads the checkpoints of one other framework: knows how it names and lays out tensors. Holds no state.

    Attributes:
        id: what `plic import` calls it; lower-case letters, digits and hyphens.
        reads: which checkpoints, one line for people.
    """

    id: ClassVar[str]
    reads: ClassVar[str]

    @abstractmethod
    def settings(self, checkpoint: Checkpoint, recipe: Recipe) -> Mapping[str, Any]:
        """Settings of the recipe's parts that the shapes in the checkpoint imply, by ``slot.key``.

        Widths only: which parts there are is the recipe's to say. Tensors that are not there imply nothing.

        Raises:
            PlicError: the recipe has a part that such checkpoints do not have.
        """

    @abstractmethod
    def convert(self, checkpoint: Checkpoint, recipe: Recipe) -> Conversion:
        """The checkpoint's tensors for a codec of the recipe, whose widths are those of `settings`.

        Whether they are complete and of the right shapes is checked by the caller.

        Raises:
            PlicError: the checkpoint cannot be one of the recipe.
        """


@dataclass(frozen=True)
class Imported:
    """A codec with the weights of a checkpoint.

    Attributes:
        codec: in evaluation mode, not frozen yet.
        settings: that the checkpoint's shapes changed in the recipe.
        dropped: names in the checkpoint that were left out on purpose.
    """

    codec: Codec
    settings: Mapping[str, Any]
    dropped: tuple[str, ...]


def import_checkpoint(
    importer: Importer,
    checkpoint: Checkpoint,
    recipe: str | Path,
    overrides: Mapping[str, Any] | None = None,
    registry: Registry | None = None,
) -> Imported:
    """The codec of a recipe with the weights of a checkpoint.

    Args:
        importer: knows the checkpoint's framework.
        checkpoint: as `read_checkpoint` gives it.
        recipe: name or path; its widths give way to the checkpoint's.
        overrides: changed settings of the recipe, which go before what the checkpoint's shapes imply.
        registry: where parts are looked up; that of the installation by default.

    Raises:
        RecipeError: there is no such recipe, or the importer cannot fill it.
        WeightsError: tensors are missing, left over, or of the wrong shape; they are listed.
    """
    registry = registry or default_registry()
    stated = load_recipe(recipe, overrides, registry)
    try:
        codec, conversion, settings = _filled(importer, checkpoint, stated, overrides or {}, registry)
        faults = _faults(codec, conversion, checkpoint)
    except PlicError as error:
        raise _unfit(importer, checkpoint, stated, [error.problem], registry) from error
    if faults:
        raise _unfit(importer, checkpoint, stated, faults, registry)
    codec.load_state_dict(dict(conversion.tensors))
    return Imported(codec.eval(), settings, conversion.dropped)


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors or torch file, without the wrapping that training scripts put around them.

    A torch file is read as data only: one that would have to execute code is refused.

    Raises:
        FileError: the file cannot be read.
        WeightsError: it is no such file, or holds no tensors.
    """
    content = _parsed(path)
    while isinstance(content, Mapping):
        inner = next((content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            break
        content = inner
    found = content if isinstance(content, Mapping) else {}
    tensors = {name: value for name, value in found.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if not tensors:
        raise WeightsError(
            f"{path} holds no weights",
            got=f"{type(content).__name__} with {', '.join(map(str, list(found)[:SHOWN])) or 'nothing'}",
            expected=f"tensors by name, or these under one of the keys {', '.join(WRAPPERS)}",
            hint="save them with torch.save(model.state_dict(), FILE)",
        )
    while prefix := next((prefix for prefix in PREFIXES if all(name.startswith(prefix) for name in tensors)), ""):
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def _parsed(path: Path) -> object:
    data = read_file(path)
    try:
        if data[8:9] == b"{":  # after the length of its header
            return safetensors.torch.load(data)
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except safetensors.SafetensorError as error:
        reason = str(error)
    except Exception as error:  # torch passes on whatever its parsers raise
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
    raise WeightsError(
        f"{path} is not a checkpoint that can be read",
        got=f"{what_it_seems(data)} ({reason})",
        expected="a .safetensors file, or a torch file that holds tensors only",
        hint="if it is a pickled model, save it again with torch.save(model.state_dict(), FILE)",
    )


def _filled(
    importer: Importer,
    checkpoint: Checkpoint,
    stated: Recipe,
    overrides: Mapping[str, Any],
    registry: Registry,
    device: str = "cpu",
) -> tuple[Codec, Conversion, Mapping[str, Any]]:
    """A codec as wide as the checkpoint, the checkpoint in its terms, and the settings that made it so."""
    settings = {
        key: value
        for key, value in importer.settings(checkpoint, stated).items()
        if key not in overrides and value != _setting(stated, key)
    }
    recipe = load_recipe(stated.source or stated.name, {**overrides, **settings}, registry)
    with torch.device(device):
        codec = assemble(recipe, registry)
    return codec, importer.convert(checkpoint, recipe), settings


def _setting(recipe: Recipe, dotted: str) -> Any:
    slot, _, key = dotted.partition(".")
    choice = getattr(recipe, slot)
    return None if choice is None else choice.resolved().get(key)


def _faults(codec: Codec, conversion: Conversion, checkpoint: Checkpoint) -> list[str]:
    """What is wrong with a conversion, one entry per kind of fault."""
    wanted = codec.state_dict()
    used = {*conversion.origins.values(), *conversion.dropped}
    wrong = [
        f"{conversion.origins.get(name, name)} {tuple(tensor.shape)} instead of {tuple(wanted[name].shape)}"
        for name, tensor in conversion.tensors.items()
        if name in wanted and tensor.shape != wanted[name].shape
    ]
    beyond = [conversion.origins.get(name, name) for name in conversion.tensors if name not in wanted]
    return [
        f"{len(names)} {what}: {', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''}"
        for what, names in (
            ("missing", [name for name in wanted if name not in conversion.tensors]),
            ("left over", beyond + [name for name in checkpoint if name not in used]),
            ("of the wrong shape", wrong),
        )
        if names
    ]


def _unfit(
    importer: Importer, checkpoint: Checkpoint, recipe: Recipe, faults: Sequence[str], registry: Registry
) -> WeightsError:
    fitting = [name for name in list_recipes(registry) if _fits(importer, checkpoint, name, registry)]
    return WeightsError(
        f"the checkpoint does not fit recipe {recipe.name!r}",
        got="; ".join(faults),
        expected=f"a recipe that it fits: {', '.join(fitting) or 'none is at hand'}",
        hint=f"give the one that it was trained as, for instance --recipe {fitting[0]}"
        if fitting
        else "check that the file holds a whole model, or write a recipe for it",
    )


def _fits(importer: Importer, checkpoint: Checkpoint, name: str, registry: Registry) -> bool:
    """Whether the checkpoint is complete for a recipe and of its shapes; nothing is computed."""
    try:
        recipe = load_recipe(name, registry=registry)
        codec, conversion, _ = _filled(importer, checkpoint, recipe, {}, registry, "meta")
    except PlicError:
        return False
    return not _faults(codec, conversion, checkpoint)
