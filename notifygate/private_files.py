"""Files and folders that only the gateway's user may read."""

import logging
import os
import stat
from pathlib import Path

logger = logging.getLogger(__name__)

PRIVATE_UMASK = 0o077
"""umask of a gateway: its files get mode 0600, its folders 0700."""


def make_private_folder(folder: Path) -> None:
    """Create a folder with mode 0700. An existing folder is not changed. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_private_file(path: Path, text: str) -> None:
    """Create a file with mode 0600 in place of any other; return when its content is on disk. Raises OSError."""
    path.unlink(missing_ok=True)  # created again, so that no other process has it open
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def make_private_file(path: str) -> None:
    """Create an empty file with mode 0600, unless it exists or can't be created.

    For SQLite, which would create it readable by others and gives `-wal` and `-shm` beside it the mode of the database.
    SQLite itself reports an invalid path.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        pass


def restore_modes(path: str) -> None:
    """Set the modes of the `-wal` and `-shm` beside a SQLite database to the mode of the database.

    SQLite creates them with that mode. If they were created while the database was read-only, they would stay
    read-only.
    """
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
        for companion in (f"{path}-wal", f"{path}-shm"):
            if os.path.exists(companion) and stat.S_IMODE(os.stat(companion).st_mode) != mode:
                os.chmod(companion, mode)
    except OSError as error:
        logger.debug("Can't set modes: %s", type(error).__name__)


def warn_of_readers(folder: Path) -> None:
    """Log a warning if every user of the machine may enter a folder, which was created by hand or by an older
    version."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & stat.S_IRWXO:
        logger.warning(
            "Every user of this machine may enter the data folder %s (mode %04o), which has secrets and"
            " notifications: run 'chmod -R go= %s'",
            folder,
            mode,
            folder,
        )
