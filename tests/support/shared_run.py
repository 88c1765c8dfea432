"""Shares one run among several pytest processes: each takes the next module that no other process has taken.

`scripts/test` loads this plugin and names a folder for all of them, in which a file marks a module as taken.
"""

import os
from functools import cache
from pathlib import Path

import pytest

FOLDER_VARIABLE = "NOTIFYGATE_TEST_SHARED_RUN"

FIRST = ("deploy", "longpoll", "install", "ha", "model", "contract", "browser", "benchmarks")
"""Folders whose modules take longest: none of them should be the last that runs."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders in order; within a folder, tests stay in theirs."""
    items.sort(key=lambda item: _place_of(item.path.parent.name))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests of this process's modules. A module is taken when the last test before it begins."""
    if session.testsfailed or session.config.option.collectonly:
        return None  # pytest's own loop reports the error
    ours = filter(lambda item: _is_ours(item.path), session.items)
    item = next(ours, None)
    while item is not None:
        following = next(ours, None)  # pytest ends the fixtures that the following test does not need
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail or session.shouldstop:
            raise session.Interrupted(session.shouldfail or session.shouldstop)
        item = following
    return True


def _place_of(folder: str) -> int:
    return FIRST.index(folder) if folder in FIRST else len(FIRST)


@cache
def _is_ours(module: Path) -> bool:
    """Take a module. Return whether no other process has taken it before."""
    name = "+".join(module.relative_to(Path.cwd()).parts)
    try:
        os.close(os.open(Path(os.environ[FOLDER_VARIABLE]) / name, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
