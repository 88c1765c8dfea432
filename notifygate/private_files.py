"""Files and folders that only the gateway's user may read."""

import os
from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Make a folder with mode 0700. One that exists stays as it is. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_private_file(path: str) -> None:
    """Make an empty file with mode 0600, where it is missing and can be made.

    For SQLite, which would make it readable by others and gives `-wal` and `-shm` beside it the mode of the database.
    What is wrong with the path SQLite says itself.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        pass
