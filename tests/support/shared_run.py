"""Shares one run among several processes: each takes the next module that no other process has taken.

Loaded by `scripts/test`. The tests are collected once, since that takes the processor for seconds; then the process forks.
Those it forks write into files, which are printed in the end.
"""

import gc
import os
import sys
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import pytest

ORDER = "project deploy longpoll install ha model contract browser benchmarks unit cli api".split()
"""Folders, those with the longest modules first: the processes should end at about the same time, so short modules are
last. A folder that is not named runs before all of them."""

OTHERS = ("second", "third")
"""The processes beside the first, in the order in which their output is printed."""

_folder = Path(mkdtemp(prefix="notifygate-run-"))
"""Marks of the modules that are taken, and the outputs of the other processes. The first process removes it."""

_first_pid = os.getpid()
_children: dict[int, str] = {}
"""Process id -> name; empty in the others."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders in order; within a folder, tests stay in theirs."""
    items.sort(key=lambda item: _place_of(Path(item.nodeid).parts[1]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests of this process's modules. A module is taken when the last test before it begins."""
    if session.testsfailed or session.config.option.collectonly:
        return None  # pytest's own loop reports the error
    _fork(session.config)
    ours = filter(lambda item: _is_ours(item.path), session.items)
    item = next(ours, None)
    while item is not None:
        following = next(ours, None)  # pytest ends the fixtures that the following test does not need
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail or session.shouldstop:
            raise session.Interrupted(session.shouldfail or session.shouldstop)
        item = following
    return True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Wait for the other processes; the run fails if one of them does."""
    for child in _children:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        session.exitstatus = session.exitstatus or code


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Print the output of the other processes."""
    for name in _children.values():
        print(f"\n=== the {name} process ===\n{_output(name).read_text()}", flush=True)
    if os.getpid() == _first_pid:
        rmtree(_folder)


def _fork(config: pytest.Config) -> None:
    sys.stdout.flush()
    # Modules and tests stay. The collector would visit, and so copy, all of them in each process.
    gc.collect()
    gc.freeze()
    for name in OTHERS:
        child = os.fork()
        if child == 0:
            _children.clear()
            _write_to(_output(name), config)
            return
        _children[child] = name


def _write_to(file: Path, config: pytest.Config) -> None:
    """Write to a file, and capture output apart from the first process's."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    with file.open("wb") as output:
        for descriptor in (1, 2):
            os.dup2(output.fileno(), descriptor)
    capture.start_global_capturing()
    capture.suspend_global_capture()


def _output(name: str) -> Path:
    return _folder / name


def _place_of(folder: str) -> int:
    return ORDER.index(folder) if folder in ORDER else -1


@cache
def _is_ours(module: Path) -> bool:
    """Take a module. Return whether no other process has taken it before."""
    name = "+".join(module.relative_to(Path.cwd()).parts)
    try:
        os.close(os.open(_folder / name, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
