"""requirements*.txt are what `make lock` makes of requirements*.in: the same pins, with hashes."""

import re
import sys
import tomllib

import pytest

from tests.project.source import REPOSITORY, imports

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([a-z0-9,_-]+)\])?==([^\s;\\]+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")


def normal(name: str) -> str:
    """Return a package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(file: str) -> dict[str, str]:
    """Return the pins of an .in file: version by name."""
    text = (REPOSITORY / file).read_text()
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    requirements = [line for line in lines if line and not line.startswith("-")]
    pins = {normal(found[1]): found[3] for line in requirements if (found := PIN.match(line))}
    assert len(pins) == len(requirements), f"{file} has lines that are no pins"
    return pins


def locked(file: str) -> dict[str, dict[str, frozenset[str]]]:
    """Return the pins of a .txt file: hashes by name and version."""
    text = (REPOSITORY / file).read_text()
    begins = [match.start() for match in PIN.finditer(text)]
    blocks = [text[begin:end] for begin, end in zip(begins, [*begins[1:], len(text)], strict=True)]
    found: dict[str, dict[str, frozenset[str]]] = {}
    for block in blocks:
        pin = PIN.match(block)
        assert pin
        name, version = pin[1], pin[3]
        hashes = frozenset(HASH.findall(block))
        assert hashes, f"{name}=={version} in {file} has no hashes"
        # A package may have one version for older Pythons and another for newer ones.
        found.setdefault(normal(name), {})[version] = hashes
    return found


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
def test_every_pin_is_locked_as_it_is(source: str, target: str) -> None:
    found = locked(target)
    assert {name: list(found.get(name, {})) for name in wanted(source)} == {
        name: [version] for name, version in wanted(source).items()
    }


def test_both_locks_agree() -> None:
    run, develop = locked("requirements.txt"), locked("requirements-dev.txt")
    assert {name: develop.get(name) for name in run} == run


def test_package_depends_on_the_same_list() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert "dependencies" in project["project"]["dynamic"]
    # tests/install/test_wheel.py compares what it makes of requirements.in.
    assert project["tool"]["hatch"]["metadata"]["hooks"]["custom"] == {"path": "scripts/hatch_build.py"}


def test_what_is_imported_is_required() -> None:
    """No import rests on what something else happens to need."""
    of_package = {
        "gevent": "gevent", "flask": "flask", "flask_limiter": "flask-limiter",
        "flask_sqlalchemy": "flask-sqlalchemy", "sqlalchemy": "sqlalchemy", "redis": "redis", "jwt": "pyjwt",
        "orjson": "orjson", "prometheus_client": "prometheus-client", "pydantic": "pydantic", "click": "click",
        "gunicorn": "gunicorn", "psycopg": "psycopg", "alembic": "alembic", "limits": "limits",
        "cryptography": "cryptography", "werkzeug": "werkzeug", "flask_migrate": "flask-migrate",
    }  # fmt: skip
    used = {target for targets in imports().values() for target in targets if not target.startswith("notifygate")}
    missing = {of_package[name] for name in used - set(sys.stdlib_module_names)} - set(wanted("requirements.in"))
    assert missing <= set(COMES_WITH), f"import without a pin of its own: {missing - set(COMES_WITH)}"


COMES_WITH = {
    "alembic": "flask-migrate or the migrations pin it",
    "limits": "a part of flask-limiter, in step with it",
    "werkzeug": "a part of flask, in step with it",
}
"""What has no pin of its own in requirements.in, and why not."""
