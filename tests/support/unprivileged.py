"""Running a command as a user other than root, for servers that refuse root and files that root could always write."""

import os
import subprocess
from pathlib import Path

from tests.support.processes import ServerStartError

# The user without permissions on every system.
_UNPRIVILEGED_ID = 65534


def unprivileged(folder: Path) -> list[str]:
    """Return the beginning of a command that runs it as a user other than root, who owns root's `folder`.

    Empty if the tests don't run as root.

    In a user namespace of its own the process has the unprivileged id, and sees the files of root as its own: so
    it may read a checkout that only root can enter, and no file needs another owner. Where namespaces are
    forbidden (as in many containers) the process really gets the unprivileged id and becomes the owner of `folder`;
    the binaries must then be readable by all users.
    """
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", f"--map-user={_UNPRIVILEGED_ID}", f"--map-group={_UNPRIVILEGED_ID}", "--"]
    if _succeeds([*namespace, "true"]):
        return namespace
    identity = ["setpriv", f"--reuid={_UNPRIVILEGED_ID}", f"--regid={_UNPRIVILEGED_ID}", "--clear-groups", "--"]
    if _succeeds([*identity, "true"]):
        os.chown(folder, _UNPRIVILEGED_ID, _UNPRIVILEGED_ID)
        return identity
    raise ServerStartError(
        "Some servers refuse to run as root, and neither unshare nor setpriv works here: run the tests as another user"
    )


def hand_over(folder: Path, prefix: list[str]) -> None:
    """Change the owner of everything in a folder to the user of commands with a prefix of `unprivileged`."""
    if prefix[:1] == ["setpriv"]:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, _UNPRIVILEGED_ID, _UNPRIVILEGED_ID)


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
