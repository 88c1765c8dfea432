"""Every module, class and public function has a docstring."""

import ast
from collections.abc import Iterator

from tests.support.source import REPOSITORY, modules, tree_of

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public(node: Documented, name: str) -> Iterator[tuple[str, Documented]]:
    """Yield a module or class and its members without a leading underscore; the content of functions is private."""
    yield name, node
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_"):
            inner = public(child, f"{name}.{child.name}")
            yield from [next(inner)] if not isinstance(child, ast.ClassDef) else inner


def test_modules_and_their_public_members_have_docstrings_that_begin_with_a_whole_sentence() -> None:
    for name, node in (member for module, tree in modules().items() for member in public(tree, module)):
        first = (ast.get_docstring(node) or "").partition("\n\n")[0]
        assert first.endswith("."), f"{name}: {first}"
        if isinstance(node, ast.FunctionDef):
            assert not first.startswith(("Returns", "Gets", "Makes", "Checks", "This ")), f"{name} isn't imperative"


def test_files_have_docstrings() -> None:
    files = [path for folder in ("tests", "migrations") for path in (REPOSITORY / folder).rglob("*.py")]
    trees = {path: tree_of(path) for path in (*files, REPOSITORY / "gunicorn.conf.py", REPOSITORY / "wsgi.py")}
    assert [path for path, tree in trees.items() if path.read_text() and not ast.get_docstring(tree)] == []


def test_no_function_is_longer_than_60_lines() -> None:
    long = [
        f"{module}.{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.end_lineno and node.end_lineno - node.lineno >= 60
    ]
    assert long == []


def test_module_that_makes_the_parts_contains_nothing_else() -> None:
    """Code that does more than make and connect parts belongs to one of them."""
    text = (REPOSITORY / "notifygate" / "app.py").read_text()
    assert len(text.splitlines()) <= 120
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.Lambda)]
    assert {node.name for node in functions if isinstance(node, ast.FunctionDef)} == {"create_app", "_make_services"}
    assert len(functions) == 2, "a function inside of another has logic"
