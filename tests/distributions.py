"""Distributions as pip would install them, with any files and entry points; and the examples that the guides show."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from plic.core.registry import default_registry

DOCS = Path(__file__).resolve().parent.parent / "docs"


def examples(page: str, heading: str) -> dict[str, str]:
    """The first block of each language below a heading of a page in docs/, by language."""
    text = (DOCS / page).read_text(encoding="utf-8")
    section = re.split(rf"^#+ {re.escape(heading)}\n", text, flags=re.MULTILINE)[1]
    section = re.split(
        r"^#",
        re.sub(r"(?ms)^```.*?^```", lambda m: m[0].replace("\n#", "\n \x00"), section),
        maxsplit=1,
        flags=re.MULTILINE,
    )[0]
    blocks = re.findall(r"```(\w+)\n(.*?)```", section.replace("\n \x00", "\n#"), flags=re.DOTALL)
    return dict(reversed(blocks))


def install(
    site: Path, name: str, code: str, files: Mapping[str, str] | None = None, groups: tuple[str, ...] = ("plic",)
) -> Path:
    """Install a distribution of version 1.0 with one package.

    Args:
        site: a folder on ``sys.path``.
        name: of the distribution; the package is called the same, with underscores.
        code: of the package's ``__init__.py``.
        files: further files of the package, by path.
        groups: of entry points that name the package.

    Returns:
        The package's folder.
    """
    package = site / name.replace("-", "_")
    for path, text in {"__init__.py": code, **(files or {})}.items():
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text(text, encoding="utf-8")
    info = site / f"{package.name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    points = "".join(f"[{group}]\n{name} = {package.name}\n" for group in groups)
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
    return package


@contextmanager
def site_on_path(folder: Path) -> Iterator[Path]:
    """A folder on ``sys.path`` to install into. What was imported from there is forgotten again."""
    folder.mkdir()
    sys.path.insert(0, str(folder))
    before = set(sys.modules)
    default_registry.cache_clear()
    try:
        yield folder
    finally:
        sys.path.remove(str(folder))
        default_registry.cache_clear()
        for name in set(sys.modules) - before:
            if name.startswith("plic_"):
                del sys.modules[name]
