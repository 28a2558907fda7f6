"""The rules of docs/architecture.md: who may import whom, and what must stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SYSTEMS = ("balle", "minnen", "cheng", "he2021", "fu2021", "zhang", "elic", "house", "gllmm")


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> list[str]:
    """Absolute dotted names of what a module imports, relative ones resolved inside the package."""
    package = path.relative_to(ROOT).parent.parts
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            names.append(".".join((*base, *([node.module] if node.module else []))))
    return names


def rooms_imported(path: Path) -> set[str]:
    """Rooms of core that a module imports when it is loaded: not in functions, not for type checking only."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    package = path.relative_to(ROOT).parent.parts
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
            names = [part for part in base if part] + ([] if node.module else [alias.name for alias in node.names])
            found.add(names[1] if len(names) > 1 else names[0])
    return found


def test_rooms_of_core_do_not_import_one_another_in_circles() -> None:
    graph: dict[str, set[str]] = {}
    for path in modules("core"):
        room = path.relative_to(ROOT / "core").parts[0].removesuffix(".py")
        if room != "__init__":
            graph.setdefault(room, set()).update(rooms_imported(path) - {room})
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("errors") < order.index("slots") < order.index("recipe") < order.index("frozen")
    assert order.index("frozen") < order.index("api")


@pytest.mark.parametrize("path", modules("core"), ids=lambda path: str(path.relative_to(ROOT)))
def test_core_never_imports_plugins(path: Path) -> None:
    loader = {"core/plugins.py"}  # loads the built-ins by name, as it loads any other plugin
    if str(path.relative_to(ROOT)) not in loader:
        assert not [name for name in imports(path) if name.startswith(("plugins", "plic.plugins"))]


@pytest.mark.parametrize("path", [*modules("core"), ROOT / "cli.py"], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_system_has_a_name_in_core(path: Path) -> None:
    text = path.read_text().lower()
    default = {"core/catalogue.py": "house"}.get(str(path.relative_to(ROOT)), "")
    docstrings_may_show = ("house", "gllmm", "fu2021")  # examples in docstrings
    code = ast.unparse(_without_docstrings(ast.parse(path.read_text()))).lower()
    assert not [name for name in SYSTEMS if name != default and name in code]
    assert not [name for name in SYSTEMS if name != default and name not in docstrings_may_show and name in text]


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                child for child in body if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant))
            ] or [ast.Pass()]
    return tree


@pytest.mark.parametrize(
    "module", ["plic", "plic.cli", "plic.core.container", "plic.core.image", "plic.core.probability"]
)
def test_light_rooms_import_no_torch(module: str) -> None:
    code = f"import sys, {module}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert done.stderr == ""


def test_no_assert_and_no_bare_raise_in_the_package() -> None:
    found = []
    for path in [*modules("core"), *modules("plugins"), ROOT / "cli.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assert):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} assert")
    assert found == []


def test_only_the_conformance_kit_imports_test_tools() -> None:
    kit = ROOT / "core" / "testing"
    others = [path for path in [*modules("core"), *modules("plugins"), *ROOT.glob("*.py")] if kit not in path.parents]
    tools = ("pytest", "hypothesis", "core.testing")
    found = {path.name for path in others if any(name.startswith(tools) for name in imports(path))}
    assert found == {"testing.py"}
