"""The limit on open files is raised as far as possible, and a warning is logged if that is too low."""

import os
import resource
import subprocess
import sys
from types import SimpleNamespace

import pytest

from notifygate.open_files import OTHER_FILES, connections_that_fit, count_open_files, raise_open_files_limit

SCRIPT = """
import logging, resource, sys
from notifygate.open_files import raise_open_files_limit
logging.basicConfig(level="WARNING", format="%(name)s %(message)s")
soft, hard, connections, holds = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
returned = raise_open_files_limit(connections, holds)
assert returned == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
print(returned)
"""


@pytest.mark.parametrize(
    ("soft", "hard", "limit", "reported"),
    [
        (128, 1000, 500 + OTHER_FILES, ()),
        (900, 1000, 900, ()),  # it is never lowered
        (128, 600, 600, ()),
        (128, 400, 400, ("400", "250", "ulimit -Hn", "NOTIFYGATE_HOLDS_PER_WORKER")),
    ],
)
def test_soft_limit_is_raised_as_far_as_needed(soft: int, hard: int, limit: int, reported: tuple[str, ...]) -> None:
    """In a process of its own, which can't raise lowered limits again."""
    numbers = map(str, (soft, hard, 500, 250))
    done = subprocess.run([sys.executable, "-c", SCRIPT, *numbers], capture_output=True, text=True, check=True)
    assert int(done.stdout) == limit
    assert len(done.stderr.splitlines()) == bool(reported)
    assert all(part in done.stderr for part in reported)


def test_system_with_a_limit_of_its_own_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS rejects more than OPEN_MAX, for every hard limit: simulated, since Linux has no such limit."""

    def refuse(*_: object) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_open_files_limit(connections=500, holds=10) == 256


@pytest.mark.parametrize(
    ("soft", "fit"), [(21_200, 21_000), (400, 200), (100, 50), (resource.RLIM_INFINITY, sys.maxsize)]
)
def test_connections_leave_files_for_the_database(monkeypatch: pytest.MonkeyPatch, soft: int, fit: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, resource.RLIM_INFINITY))
    assert connections_that_fit() == fit


@pytest.mark.parametrize("size", [None, 0], ids=["of this system", "before Linux 6.2"])
def test_open_files_are_counted(monkeypatch: pytest.MonkeyPatch, size: int | None) -> None:
    if size is not None:
        monkeypatch.setattr(os, "stat", lambda _: SimpleNamespace(st_size=size))
    before = count_open_files()
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(5)]
    try:
        assert count_open_files() == before + 5
    finally:
        for file in files:
            os.close(file)
