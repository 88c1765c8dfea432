"""Who may know whom (docs/architecture.md): lower rooms know nothing of higher ones."""

import ast
import re
import subprocess
import sys

import pytest

from tests.support.source import REPOSITORY, imported_names, imports, modules

LEVELS: tuple[frozenset[str], ...] = tuple(
    frozenset(rooms.split())
    for rooms in (
        # What everything may use, and what uses nothing but its like.
        "errors metrics log_lines settings private_files problem_catalogue program_files background clock components "
        "open_files recent waiting raw_socket redis_client validation",
        "domain",
        "storage announcements",
        "log",
        "inbox publishing delivery",
        "auth limits web",
        "services",
        "protocol jobs",
        "server endpoints",
        "fastpath api cli",
        "app",
    )
)
"""The rooms of the package, the lowest first. An import leads down, never up."""

SIBLINGS = {
    ("settings", "errors"): "a bad setting is an error like any other",
    ("settings", "private_files"): "generated secrets are private files",
    ("validation", "errors"): "an invalid value is an error like any other",
}
"""Imports between rooms of one level, each with its reason. A new one needs one, too."""

FLASK = {"flask", "werkzeug", "flask_limiter", "flask_sqlalchemy", "flask_migrate"}
SQL = {"sqlalchemy", "alembic", "psycopg", "sqlite3"}

MAY_IMPORT_FLASK = {"api", "app", "limits.rate_limits"}
KNOW_GUNICORN = ("arbiter", "worker", "detaching_worker", "rejection")


def room(module: str) -> str:
    """Return the room that a module belongs to; the package itself has none."""
    return module.split(".")[1] if "." in module else ""


def level(name: str) -> int:
    return next(place for place, rooms in enumerate(LEVELS) if name in rooms)


def is_within(module: str, places: set[str]) -> bool:
    return any(module == f"notifygate.{place}" or module.startswith(f"notifygate.{place}.") for place in places)


def test_every_room_has_its_level() -> None:
    rooms = {room(module) for module in modules()} - {""}
    assert rooms == frozenset().union(*LEVELS)


def test_imports_lead_down_or_to_a_room_of_the_same_level_where_there_is_a_reason() -> None:
    found = {
        (room(module), room(target))
        for module, targets in imports().items()
        for target in targets
        if target.startswith("notifygate.") and room(module) and room(module) != room(target)
    }
    assert {pair for pair in found if level(pair[1]) > level(pair[0])} == set()
    assert {pair for pair in found if level(pair[1]) == level(pair[0])} == set(SIBLINGS)


def test_package_itself_imports_nothing_and_few_know_flask_or_gunicorn() -> None:
    assert imports()["notifygate"] == frozenset()
    knowing_flask = {module for module, targets in imports().items() if targets & FLASK}
    assert {module for module in knowing_flask if not is_within(module, MAY_IMPORT_FLASK)} == set()
    knowing_gunicorn = {module for module, targets in imports().items() if "gunicorn" in targets}
    assert knowing_gunicorn == {f"notifygate.server.{name}" for name in KNOW_GUNICORN}


def test_sql_is_only_in_the_storage() -> None:
    """Elsewhere nothing of SQLAlchemy is named but the type of an open transaction, which the stores take."""
    foreign = {
        f"{module} imports {name}"
        for module, names in imported_names().items()
        for name in names
        if name.partition(".")[0] in SQL and not is_within(module, {"storage"})
    }
    assert {line for line in foreign if not line.endswith(" imports sqlalchemy.Connection")} == set()


def test_sql_is_written_only_in_stores() -> None:
    """Statements of the gateway's tables, as constructs or as text; a migration's are its own."""
    verb = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH)\s+\w+.*\b(FROM|SET|VALUES|AS)\b", re.DOTALL)
    found = {
        module
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and verb.match(node.value)
        if not is_within(module, {"storage"})
    }
    assert found == set()


def test_domain_does_nothing_but_think() -> None:
    """No I/O, no framework, no waiting: the standard library and what reads and writes JSON and ciphers."""
    foreign = {
        target
        for module, targets in imports().items()
        for target in targets
        if is_within(module, {"domain"}) and not target.startswith("notifygate")
    }
    assert foreign - set(sys.stdlib_module_names) <= {"orjson", "cryptography"}
    assert not foreign & {"socket", "os", "subprocess", "threading", "logging", "sqlite3", "urllib", "http"}


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("notifygate.server.worker", FLASK | SQL | {"redis", "pydantic"}),
        ("notifygate.server.detaching_worker", FLASK | SQL | {"redis", "pydantic"}),
        ("notifygate.cli.send", FLASK | SQL | {"redis", "pydantic", "gevent"}),
        ("notifygate.cli.watch", FLASK | SQL | {"redis", "pydantic", "gevent"}),
        ("notifygate.delivery.greenlet", FLASK | SQL | {"redis"}),
        ("notifygate.log.follower", FLASK),
    ],
)
def test_importing_a_module_brings_along_nothing_that_it_must_not_know(module: str, never: set[str]) -> None:
    """What a module's imports import in turn counts, too. (flask-limiter's `limits` and ours are not the same.)"""
    script = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    assert set(done.stdout.split()) & never == set()


def test_no_folder_of_tests_imports_from_another() -> None:
    """What several of them need stands in tests/support."""
    tests = REPOSITORY / "tests"
    found = {
        (folder, imported)
        for path in tests.rglob("*.py")
        for folder in path.relative_to(tests).parts[:1]
        for imported in re.findall(r"^\s*from tests\.(\w+)", path.read_text(), re.MULTILINE)
    }
    assert {pair for pair in found if pair[1] not in ("support", pair[0])} == set()
