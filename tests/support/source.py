"""The project's files, for tests that read them."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "notifygate"

IGNORED = {
    ".git", ".venv", ".pytest_cache", ".ruff_cache", ".hypothesis", ".schemathesis", "__pycache__", "node_modules",
    "var", "dist", "htmlcov", ".installing",
}  # fmt: skip
"""Names from .gitignore: the files of tools and gateways there are not the project's."""

IGNORED_PATHS = {"build", "benchmarks/build", "clients/js/examples/angular/compiled"}
"""More of them, by path: clients/js/build/ is the project's."""


def files() -> Iterator[Path]:
    """Yield every file of the project, with or without git."""
    folders = [REPOSITORY]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.name in IGNORED or path.name.endswith(".egg-info") or path.name.startswith(".coverage"):
                continue
            if path.relative_to(REPOSITORY).as_posix() in IGNORED_PATHS:
                continue
            if path.is_dir():
                folders.append(path)
            elif not path.is_symlink():
                yield path


def number_in(file: Path, pattern: str) -> int:
    """Return the number that the group of a pattern matches in a configuration."""
    match = re.search(pattern, file.read_text(), re.MULTILINE)
    assert match, f"{file.name} has {pattern}"
    return int(match[1])


@cache
def tree_of(path: Path) -> ast.Module:
    """Return a Python file, parsed."""
    return ast.parse(path.read_text(), str(path))


@cache
def modules() -> dict[str, ast.Module]:
    """Return the package's modules, parsed, by their dotted names."""
    return {module_name(path): tree_of(path) for path in sorted(PACKAGE.rglob("*.py"))}


def module_name(path: Path) -> str:
    """Return the dotted name under which a file of the package is imported."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imported_names() -> dict[str, frozenset[str]]:
    """Return the full names that each module of the package imports, anywhere in it."""
    names_by_module: dict[str, frozenset[str]] = {}
    for name, tree in modules().items():
        names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name} imports relatively: layers are read from full names"
                assert node.module
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
        names_by_module[name] = frozenset(names)
    return names_by_module


@cache
def imports() -> dict[str, frozenset[str]]:
    """Return the imports of each module of the package: modules of the package, and other packages by name."""
    return {name: frozenset(map(_known, names)) for name, names in imported_names().items()}


def _known(target: str) -> str:
    """Return the module of the package that has an imported name, or the name of another package."""
    if target.partition(".")[0] != "notifygate":
        return target.partition(".")[0]
    while target not in modules():
        target = target.rpartition(".")[0]
    return target
