"""A database for thousands of small commits: with SQLite, a file in memory, so that no commit waits for a disk."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import make_folder, remove_folder

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with an unpredictable name is created in it


@pytest.fixture
def sqlite_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of an SQLite file that doesn't exist yet."""
    if SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK):
        monkeypatch.setattr(tempfile, "tempdir", str(SHARED_MEMORY))
    folder = make_folder("model")
    monkeypatch.undo()
    yield f"sqlite:///{folder / 'notifygate.db'}"
    remove_folder(folder)
