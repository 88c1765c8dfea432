"""Who may know whom (docs/architecture.md): lower rooms know nothing of higher ones."""

import subprocess
import sys

import pytest

from tests.project.source import REPOSITORY, imports, modules

LEVELS: tuple[frozenset[str], ...] = tuple(
    map(
        frozenset,
        (
            # What everything may use, and what uses nothing but its like.
            {
                "errors",
                "metrics",
                "log_lines",
                "settings",
                "private_files",
                "problem_catalogue",
                "program_files",
                "background",
                "open_files",
                "recent",
                "waiting",
                "raw_socket",
                "validation",
            },
            {"domain"},
            {"storage"},
            {"log"},
            {"inbox", "publishing", "delivery"},
            {"auth", "limits", "web"},
            {"services"},
            {"protocol"},
            {"server", "endpoints"},
            {"fastpath", "api", "cli"},
            {"app"},
        ),
    )
)
"""The rooms of the package, the lowest first. An import leads down, never up."""

SIBLINGS = {
    ("settings", "errors"): "a bad setting is an error like any other",
    ("settings", "private_files"): "generated secrets are private files",
    ("publishing", "inbox"): "retention removes the states of the notifications that it removes",
    ("validation", "errors"): "an invalid value is an error like any other",
}
"""Imports between rooms of one level, each with its reason. A new one needs one, too."""

FLASK = {"flask", "werkzeug", "flask_limiter", "flask_sqlalchemy", "flask_migrate"}
SQL = {"sqlalchemy", "alembic", "psycopg", "sqlite3"}

MAY_IMPORT_FLASK = {"api", "app", "limits.rate_limits"}
MAY_IMPORT_SQL = {
    "storage": "the tables and the transactions",
    "log": "reads and appends entries",
    "inbox": "reads what an inbox holds",
    "publishing": "keeps types, topics and idempotency records, and prunes",
    "auth.keys": "the table of keys is its own",
    "auth.revocations": "the table of revoked tokens is its own",
    "cli.log_command": "counts rows for `notifygate log status`",
    "cli.doctor.check_database": "asks the server for its version, its clock and its settings",
}


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


def test_no_import_leads_up() -> None:
    upward = [
        f"{module} imports {target}"
        for module, targets in imports().items()
        for target in targets
        if target.startswith("notifygate.") and room(module) and level(room(target)) > level(room(module))
    ]
    assert upward == []


def test_rooms_of_one_level_know_each_other_only_where_there_is_a_reason() -> None:
    found = {
        (room(module), room(target))
        for module, targets in imports().items()
        for target in targets
        if target.startswith("notifygate.") and room(module)
        if room(module) != room(target) and level(room(module)) == level(room(target))
    }
    assert found == set(SIBLINGS)


def test_package_itself_imports_nothing() -> None:
    assert imports()["notifygate"] == frozenset()


def test_only_the_api_knows_flask() -> None:
    knowing = {module for module, targets in imports().items() if targets & FLASK}
    assert {module for module in knowing if not is_within(module, MAY_IMPORT_FLASK)} == set()


def test_sql_is_only_where_it_belongs() -> None:
    knowing = {module for module, targets in imports().items() if targets & SQL}
    assert {module for module in knowing if not is_within(module, {*MAY_IMPORT_SQL, "app"})} == set()


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


def test_only_the_server_knows_gunicorn() -> None:
    knowing = {module for module, targets in imports().items() if "gunicorn" in targets}
    server = "notifygate.server"
    assert knowing == {f"{server}.arbiter", f"{server}.worker", f"{server}.detaching_worker"}


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
