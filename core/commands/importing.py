"""``plic import``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import FileError
from ..files import read_file
from ..recipe import parse_overrides
from ..registry import Registry, default_registry
from .targets import targets

SUFFIX = ".safetensors"
SHOWN = 4


@dataclass(frozen=True)
class ImportedFile:
    """What became of a checkpoint.

    Attributes:
        source: that was read.
        target: the weights file that was written.
        recipe: name of its recipe.
        settings: of the recipe that the checkpoint's shapes changed.
        tensors: that the checkpoint gave.
        parameters: numbers in them.
        dropped: names in the checkpoint that were left out on purpose.
        size: of the weights file, in bytes.
        fingerprint: of the weights, as streams carry it.
    """

    source: Path
    target: Path
    recipe: str
    settings: dict[str, Any]
    tensors: int
    parameters: int
    dropped: tuple[str, ...]
    size: int
    fingerprint: bytes

    def rows(self) -> list[tuple[str, str]]:
        """The same for people."""
        changed = " ".join(f"{key}={_compact(value)}" for key, value in self.settings.items())
        more = ", ..." if len(self.dropped) > SHOWN else ""
        left_out = f": {', '.join(self.dropped[:SHOWN])}{more}" if self.dropped else ""
        return [
            ("checkpoint", f"{self.source}: {self.tensors} tensors, {self.parameters:,} parameters"),
            ("recipe", f"{self.recipe}, with {changed}" if changed else self.recipe),
            ("left out", f"{len(self.dropped)} tensors that coding here does without{left_out}"),
            ("weights", f"{self.target}: {self.size:,} bytes, fingerprint {self.fingerprint.hex()}"),
            ("next", f"plic encode photo.png -o photo.plic --model {self.target}"),
        ]


def import_file(
    importer: str,
    checkpoint: str,
    *,
    recipe: str,
    out: str,
    settings: Sequence[str] = (),
    force: bool = False,
    registry: Registry | None = None,
) -> ImportedFile:
    """Turn a checkpoint of another framework into a weights file.

    Args:
        importer: id of what reads it.
        checkpoint: path of a safetensors or torch file.
        recipe: name or path of the recipe that it was trained as; its widths give way to the checkpoint's.
        out: the weights file, or a folder as `targets` takes it.
        settings: changed values of the recipe as ``slot.key=value``.
        force: whether an existing file may be overwritten.
        registry: where importer and parts are looked up; that of the installation by default.

    Raises:
        PlicError: there is no such importer or recipe, the checkpoint cannot be read or does not fit, a network cannot
            be made exact, or the output is not usable.
    """
    registry = registry or default_registry()
    reader = registry.importer(importer)
    overrides = parse_overrides(settings)
    source, target = targets([checkpoint], out, SUFFIX, force)[0]
    if target.suffix != SUFFIX:
        raise FileError("a weights file is called otherwise", got=str(target), expected=f"a name that ends in {SUFFIX}")
    from ..importing import import_checkpoint, read_checkpoint

    imported = import_checkpoint(reader, read_checkpoint(source), recipe, overrides, registry)
    tensors = imported.codec.state_dict()
    frozen = imported.codec.freeze()
    frozen.save(target)
    return ImportedFile(
        source=source,
        target=target,
        recipe=frozen.recipe.name,
        settings=dict(imported.settings),
        tensors=len(tensors),
        parameters=sum(tensor.numel() for tensor in tensors.values()),
        dropped=imported.dropped,
        size=len(read_file(target)),
        fingerprint=frozen.fingerprint,
    )


def _compact(value: Any) -> str:
    return str(value).replace(" ", "")
