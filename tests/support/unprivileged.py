"""Running a command as a user who isn't root, for servers that refuse root and for files that root could always write."""

import os
import subprocess
from pathlib import Path

from tests.support.processes import ServerStartError

# This is "nobody" on every system.
_NOBODY = 65534


def unprivileged(folder: Path) -> list[str]:
    """Return what to put before a command so that root's `folder` seems to belong to a user who isn't root.

    Nothing where the tests don't run as root.

    In a user namespace of its own the process takes itself for nobody, and the files of root for its own: so
    it may read a checkout that only root can enter, and nothing needs another owner. Where namespaces are
    forbidden (as in many containers) the process becomes nobody in earnest and `folder` is made nobody's; the
    binaries must then be readable by everyone.
    """
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}", "--"]
    if _succeeds([*namespace, "true"]):
        return namespace
    identity = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--"]
    if _succeeds([*identity, "true"]):
        os.chown(folder, _NOBODY, _NOBODY)
        return identity
    raise ServerStartError(
        "Some servers refuse to run as root, and neither unshare nor setpriv works here: run the tests as another user"
    )


def hand_over(folder: Path, prefix: list[str]) -> None:
    """Make everything in a folder the property of the user that commands with a prefix of `unprivileged` run as."""
    if prefix[:1] == ["setpriv"]:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY)


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
