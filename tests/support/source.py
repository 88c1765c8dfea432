"""The project's files, as the tests of this folder read them."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "notifygate"

NOT_OURS = {
    ".git", ".venv", ".pytest_cache", ".ruff_cache", ".hypothesis", ".schemathesis", "__pycache__", "node_modules",
    "var", "dist", "htmlcov", ".installing",
}  # fmt: skip
"""What .gitignore names: what tools and gateways leave there is not the project's."""

NOT_OURS_THERE = {"build", "benchmarks/build", "clients/js/examples/angular/compiled"}
"""More of it, by path: clients/js/build/ is the project's."""


def files() -> Iterator[Path]:
    """Yield every file of the project, with or without git."""
    folders = [REPOSITORY]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.name in NOT_OURS or path.name.endswith(".egg-info") or path.name.startswith(".coverage"):
                continue
            if path.relative_to(REPOSITORY).as_posix() in NOT_OURS_THERE:
                continue
            if path.is_dir():
                folders.append(path)
            elif not path.is_symlink():
                yield path


def number_in(file: Path, pattern: str) -> int:
    """Return the number that a configuration has where the group of a pattern is."""
    found = re.search(pattern, file.read_text(), re.MULTILINE)
    assert found, f"{file.name} has {pattern}"
    return int(found[1])


@cache
def modules() -> dict[str, ast.Module]:
    """Return the package's modules, parsed, by their dotted names."""
    return {module_name(path): ast.parse(path.read_text(), str(path)) for path in sorted(PACKAGE.rglob("*.py"))}


def module_name(path: Path) -> str:
    """Return the dotted name under which a file of the package is imported."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imported_names() -> dict[str, frozenset[str]]:
    """Return the full names that each module of the package imports, anywhere in it."""
    found: dict[str, frozenset[str]] = {}
    for name, tree in modules().items():
        names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name} imports relatively: layers are read from full names"
                assert node.module
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
        found[name] = frozenset(names)
    return found


@cache
def imports() -> dict[str, frozenset[str]]:
    """Return what each module of the package imports: modules of ours, and other packages by name."""
    return {name: frozenset(map(_known, names)) for name, names in imported_names().items()}


def _known(target: str) -> str:
    """Return the module of ours that holds an imported name, or the package of others that does."""
    if target.partition(".")[0] != "notifygate":
        return target.partition(".")[0]
    while target not in modules():
        target = target.rpartition(".")[0]
    return target
