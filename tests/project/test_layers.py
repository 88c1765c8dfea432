"""The layers of the package (docs/architecture.md): lower packages import none of the higher ones."""

import ast
import re
import subprocess
import sys

import pytest

from tests.support.source import REPOSITORY, imported_names, imports, modules

LEVELS: tuple[frozenset[str], ...] = tuple(
    frozenset(packages.split())
    for packages in (
        # Modules that all may import, and that import only each other.
        "errors metrics log_lines log_stream settings settings_checks settings_reader private_files problem_catalogue program_files "
        "background clock components open_files recent waiting raw_socket redis_client validation",
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
"""The packages and single modules, the lowest first. An import leads down, never up."""

SIBLINGS = {
    ("settings", "errors"): "a bad setting is an error like any other",
    ("settings", "private_files"): "the data folder is private",
    ("settings_checks", "errors"): "a bad setting is an error like any other",
    ("settings_checks", "settings"): "it checks them",
    ("settings_reader", "errors"): "a bad setting is an error like any other",
    ("settings_reader", "private_files"): "generated secrets are private files",
    ("settings_reader", "settings"): "it reads them",
    ("settings_reader", "settings_checks"): "settings are checked once, when they are read",
    ("validation", "errors"): "an invalid value is an error like any other",
    ("redis_client", "errors"): "an invalid URL is an error like any other",
}
"""Imports between packages of one level, each with its reason. A new one needs one, too."""

FLASK = {"flask", "werkzeug", "flask_limiter", "flask_sqlalchemy", "flask_migrate"}
SQL = {"sqlalchemy", "alembic", "psycopg", "sqlite3"}

MAY_IMPORT_FLASK = {"api", "app", "limits.rate_limits"}
MAY_IMPORT_GUNICORN = ("arbiter", "worker", "rejection")


def package_of(module: str) -> str:
    """Return the package or single module below `notifygate` that has a module; empty for `notifygate` itself."""
    return module.split(".")[1] if "." in module else ""


def level(name: str) -> int:
    return next(place for place, packages in enumerate(LEVELS) if name in packages)


def is_within(module: str, places: set[str]) -> bool:
    return any(module == f"notifygate.{place}" or module.startswith(f"notifygate.{place}.") for place in places)


def test_every_package_has_a_level() -> None:
    packages = {package_of(module) for module in modules()} - {""}
    assert packages == frozenset().union(*LEVELS)


def test_imports_lead_down_or_to_a_listed_package_of_the_same_level() -> None:
    pairs = {
        (package_of(module), package_of(target))
        for module, targets in imports().items()
        for target in targets
        if target.startswith("notifygate.") and package_of(module) and package_of(module) != package_of(target)
    }
    assert {pair for pair in pairs if level(pair[1]) > level(pair[0])} == set()
    assert {pair for pair in pairs if level(pair[1]) == level(pair[0])} == set(SIBLINGS)


def test_package_itself_imports_nothing_and_few_modules_import_flask_or_gunicorn() -> None:
    assert imports()["notifygate"] == frozenset()
    importing_flask = {module for module, targets in imports().items() if targets & FLASK}
    assert {module for module in importing_flask if not is_within(module, MAY_IMPORT_FLASK)} == set()
    importing_gunicorn = {module for module, targets in imports().items() if "gunicorn" in targets}
    assert importing_gunicorn == {f"notifygate.server.{name}" for name in MAY_IMPORT_GUNICORN}


def test_sql_is_only_in_the_storage() -> None:
    """Other packages use only SQLAlchemy's type of an open transaction, which they pass to the stores."""
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
    with_sql = {
        module
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and verb.match(node.value)
        if not is_within(module, {"storage"})
    }
    assert with_sql == set()


def test_domain_is_pure() -> None:
    """No I/O, no framework, no waiting: the standard library and libraries for JSON and ciphers."""
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
def test_importing_a_module_imports_no_forbidden_package(module: str, never: set[str]) -> None:
    """Not by another module either. (flask-limiter's `limits` is not `notifygate.limits`.)"""
    script = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    assert set(done.stdout.split()) & never == set()


def test_no_folder_of_tests_imports_from_another() -> None:
    """Code that several of them need is in tests/support."""
    tests = REPOSITORY / "tests"
    pairs = {
        (folder, imported)
        for path in tests.rglob("*.py")
        for folder in path.relative_to(tests).parts[:1]
        for imported in re.findall(r"^\s*from tests\.(\w+)", path.read_text(), re.MULTILINE)
    }
    assert {pair for pair in pairs if pair[1] not in ("support", pair[0])} == set()
