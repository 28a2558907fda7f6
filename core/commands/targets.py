"""Where results go: one file for one input, or a folder for many."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import FileError
from ..files import make_folder


def targets(inputs: Sequence[str], out: str, suffix: str, force: bool) -> list[tuple[Path, Path]]:
    """Pairs of input and output, checked before any work begins.

    Args:
        inputs: paths of files.
        out: a file for one input; an existing folder, or a path that ends in a slash (then made), for any number.
        suffix: that names in a folder get, e.g. ``.plic``.
        force: whether existing files may be overwritten.

    Raises:
        FileError: several inputs but one output, two inputs with the same output, or an output that exists.
    """
    if not out:
        raise FileError("the output has no name", hint="give -o a file, or a folder that ends in /")
    folder = Path(out)
    if not (out.endswith(("/", os.sep)) or folder.is_dir()):
        if len(inputs) > 1:
            raise FileError(
                f"{len(inputs)} inputs cannot go into one file", got=out, expected="a folder", hint=f"-o {out}/"
            )
        pairs = [(Path(inputs[0]), folder)]
    else:
        pairs = [(Path(name), folder / (Path(name).stem + suffix)) for name in inputs]
    _check(pairs, force)
    if len(pairs) > 1 or pairs[0][1] != folder:
        make_folder(folder, "-o")
    return pairs


def _check(pairs: Sequence[tuple[Path, Path]], force: bool) -> None:
    seen: dict[Path, Path] = {}
    for source, target in pairs:
        if target in seen:
            raise FileError(
                "two inputs would be written to the same file",
                got=f"{seen[target]} and {source} -> {target}",
                hint="give them different names, or code them one by one",
            )
        seen[target] = source
        if source.exists() and target.exists() and os.path.samefile(source, target):
            hint = "name another output with -o"
            raise FileError("an input would be overwritten by its own result", got=target, hint=hint)
        if target.is_file() and not force:
            raise FileError(f"{target} exists", hint="add -f to overwrite it, or name another output with -o")
