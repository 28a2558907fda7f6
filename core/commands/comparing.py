"""``plic compare``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FileError

if TYPE_CHECKING:
    from ..comparison import Comparison

_SUFFIXES = (".html", ".png", ".csv")


@dataclass(frozen=True)
class Written:
    """A file that was written."""

    path: Path
    size: int


@dataclass(frozen=True)
class Compared:
    """What a comparison found, and the files that it was written to."""

    comparison: Comparison
    written: tuple[Written, ...]

    def lines(self) -> list[tuple[str, ...]]:
        """The BD figures as rows of a table, with a head."""
        from ..comparison import Difference, Metric

        head = ["curve", *(f"{metric.heading} {what}" for metric in Metric for what in ("BD-rate", "BD-dB", "overlap"))]
        lines = [tuple(head)]
        for row in self.comparison.rows:
            cells = [row.label]
            for found in map(row.difference, Metric):
                if isinstance(found, Difference):
                    cells += [
                        f"{found.rate:+.2f} %",
                        f"{found.quality:+.2f}",
                        f"{found.low:.2f} to {found.high:.2f} dB",
                    ]
                else:
                    cells += ["anchor" if row.is_reference else "-", "", ""]
            lines.append(tuple(cells))
        return lines


def compare_results(
    results: Sequence[str],
    out: Sequence[str],
    *,
    anchor: str | None = None,
    show: Sequence[str] = (),
    data: str | None = None,
    pictures: int | None = None,
    force: bool = False,
) -> Compared:
    """Compare results files, and write the comparison.

    Args:
        results: files that ``plic evaluate`` wrote.
        out: files to write; their extensions say what: ``.html``, ``.png`` or ``.csv``.
        anchor: what to compare with; see `plic.core.comparison.compare`.
        show: ids of further shipped anchors.
        data: folder of the originals; where they lay when they were evaluated if None.
        pictures: how many a page shows; all if None.
        force: whether existing files may be overwritten.

    Raises:
        FileError: a file cannot be read or written, or its extension says nothing.
        PlicError: the results cannot be compared.
        PluginError: a package that is needed is not installed.
    """
    paths = [_target(name, results, force) for name in out]
    folder = None if data is None else _folder(data)
    from ..comparison import compare, read_measured
    from ..evaluation.anchors import load_anchors
    from ..files import write_atomically

    comparison = compare(read_measured(results), load_anchors(), anchor=anchor, show=show)
    make = _makers(comparison, folder, pictures)
    # all are made before any is written: an error leaves no half of the files
    made = [(path, make[path.suffix.lower()]()) for path in paths]
    for path, content in made:
        write_atomically(path, content)
    return Compared(comparison, tuple(Written(path, len(content)) for path, content in made))


def _makers(comparison: Comparison, folder: Path | None, pictures: int | None) -> Mapping[str, Callable[[], bytes]]:
    """By suffix, what makes the content of such a file."""

    def page() -> bytes:
        from ..comparison.page import html_page
        from ..comparison.pictures import gallery

        return html_page(comparison, gallery(comparison, folder=folder, limit=pictures)).encode()

    def plot() -> bytes:
        from ..comparison.plot import png_plot

        return png_plot(comparison)

    def table() -> bytes:
        from ..comparison.table import csv_table

        return csv_table(comparison).encode()

    return dict(zip(_SUFFIXES, (page, plot, table), strict=True))


def _target(name: str, results: Sequence[str], force: bool) -> Path:
    path = Path(name)
    if path.suffix.lower() not in _SUFFIXES:
        raise FileError(
            "the output's extension does not say what to write",
            got=name,
            expected=f"a name ending in {', '.join(_SUFFIXES)}",
            hint="for instance -o report.html; -o may be given several times",
        )
    if path.resolve() in [Path(one).resolve() for one in results]:
        raise FileError("a results file would be overwritten", got=name, hint="name another output with -o")
    if path.exists() and not force:
        raise FileError(f"{path} exists", hint="add -f to overwrite it, or name another file with -o")
    if not path.parent.is_dir():
        hint = f"make it first: mkdir -p {path.parent}"
        raise FileError("the folder to write into does not exist", got=str(path.parent), hint=hint)
    return path


def _folder(data: str) -> Path:
    folder = Path(data).resolve()
    if not folder.is_dir():
        raise FileError("there is no such folder", got=data, hint="give the folder of the originals with --data")
    return folder
