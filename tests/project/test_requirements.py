"""requirements*.txt have the pins of requirements*.in, with hashes, as `make lock` writes them."""

import sys
import tomllib

import pytest

from tests.support.requirement_files import locked, wanted
from tests.support.source import REPOSITORY, imports


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("requirements.in", "requirements.txt"),
        ("requirements-dev.in", "requirements-dev.txt"),
        ("requirements.in", "requirements-dev.txt"),
        ("requirements-build.in", "requirements-build.txt"),
        ("requirements-build.in", "requirements-dev.txt"),
        ("benchmarks/requirements.in", "benchmarks/requirements.txt"),
    ],
)
def test_every_pin_is_locked_unchanged(source: str, target: str) -> None:
    pins = locked(target)
    assert {name: list(pins.get(name, {})) for name in wanted(source)} == {
        name: [version] for name, version in wanted(source).items()
    }


def test_both_locks_agree_and_package_depends_on_the_same_list() -> None:
    run, develop = locked("requirements.txt"), locked("requirements-dev.txt")
    assert {name: develop.get(name) for name in run} == run
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert "dependencies" in project["project"]["dynamic"]
    # tests/install/test_wheel.py compares its result with requirements.in.
    assert project["tool"]["hatch"]["metadata"]["hooks"]["custom"] == {"path": "scripts/hatch_build.py"}


def test_every_import_is_required() -> None:
    """No import relies on the requirements of another package."""
    of_package = {
        "gevent": "gevent", "flask": "flask", "flask_limiter": "flask-limiter",
        "flask_sqlalchemy": "flask-sqlalchemy", "sqlalchemy": "sqlalchemy", "redis": "redis", "jwt": "pyjwt",
        "orjson": "orjson", "prometheus_client": "prometheus-client", "pydantic": "pydantic", "click": "click",
        "gunicorn": "gunicorn", "psycopg": "psycopg", "alembic": "alembic", "limits": "limits",
        "cryptography": "cryptography", "hiredis": "hiredis", "werkzeug": "werkzeug", "flask_migrate": "flask-migrate",
    }  # fmt: skip
    used = {target for targets in imports().values() for target in targets if not target.startswith("notifygate")}
    missing = {of_package[name] for name in used - set(sys.stdlib_module_names)} - set(wanted("requirements.in"))
    assert missing <= set(COMES_WITH), f"import without a pin of its own: {missing - set(COMES_WITH)}"


COMES_WITH = {
    "alembic": "flask-migrate or the migrations pin it",
    "limits": "a part of flask-limiter, in step with it",
    "werkzeug": "a part of flask, in step with it",
}
"""Imported packages without a pin of their own in requirements.in, each with the reason."""
