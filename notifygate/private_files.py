"""Files and folders that only the gateway's user may read."""

import logging
import os
import stat
from pathlib import Path

logger = logging.getLogger(__name__)

PRIVATE_UMASK = 0o077
"""For a process whose files are its own business: what it creates has mode 0600, folders 0700."""


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


def restore_modes(path: str) -> None:
    """Give the `-wal` and `-shm` beside a SQLite database the mode of the database, where they have another one.

    SQLite gives them that mode when it creates them. Created while the database could not be written, they could not be
    written afterwards either.
    """
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
        for companion in (f"{path}-wal", f"{path}-shm"):
            if os.path.exists(companion) and stat.S_IMODE(os.stat(companion).st_mode) != mode:
                os.chmod(companion, mode)
    except OSError as error:
        logger.debug("Modes are left as they are: %s", type(error).__name__)


def warn_of_readers(folder: Path) -> None:
    """Log a warning if every user of the machine may enter a folder: it was made by hand, or by an older version."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & stat.S_IRWXO:
        logger.warning(
            "Every user of this machine may enter the data folder %s (mode %04o), which holds secrets and"
            " notifications: run 'chmod -R go= %s'",
            folder,
            mode,
            folder,
        )
