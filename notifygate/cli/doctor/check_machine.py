"""The machine: open files and room on the disk."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

from notifygate.cli.doctor.finding import MACHINE, Finding
from notifygate.open_files import OTHER_FILES, wanted_connections
from notifygate.settings import Settings

LEAST_FREE_BYTES = 512 * 1024 * 1024
"""For SQLite's file and its write-ahead log, which grows by as much as is written until it is copied back."""

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "fuse.sshfs", "afs"}
)
"""As /proc/mounts names them. SQLite's write-ahead log needs shared memory, which processes on two machines don't have
(https://www.sqlite.org/wal.html), and locks that hold."""


def check_machine(settings: Settings) -> Iterator[Finding]:
    """Yield the findings about the machine."""
    yield _open_files(settings)
    if settings.sqlite_file is not None:
        yield from _disk(settings.sqlite_file.parent)


def _open_files(settings: Settings) -> Finding:
    """Compare the hard limit, up to which the gateway raises its own, with the files that the holds need."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    least = settings.holds_per_worker + OTHER_FILES
    wanted = wanted_connections(settings.holds_per_worker) + OTHER_FILES
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        return MACHINE.ok(f"a worker may open {hard if hard != resource.RLIM_INFINITY else 'any number of'} files")
    remedy = (
        f"LimitNOFILE={wanted} in the unit, 'ulimit -Hn {wanted}' in a shell, or a lower NOTIFYGATE_HOLDS_PER_WORKER"
    )
    if hard < least:
        return MACHINE.wrong(
            f"a process may open {hard} files, and {settings.holds_per_worker} holds need {least}: {remedy}"
        )
    return MACHINE.warning(
        f"a process may open {hard} files; {wanted} leave room for idle connections beside the holds: {remedy}"
    )


def _disk(folder: Path) -> Iterator[Finding]:
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    kind = _file_system(there)
    if kind in NETWORK_FILE_SYSTEMS:
        yield MACHINE.wrong(
            f"{folder} lies on a network file system ({kind}), on which SQLite can lose data: use a local disk, or"
            " PostgreSQL"
        )
    state = os.statvfs(there)
    free = state.f_bavail * state.f_frsize
    if free < LEAST_FREE_BYTES:
        yield MACHINE.wrong(f"{free // 2**20} MiB are free in {folder}: make room for {LEAST_FREE_BYTES // 2**20} MiB")
    else:
        yield MACHINE.ok(f"{free // 2**20} MiB are free for the database in {folder}")


def _file_system(folder: Path) -> str:
    """Return the kind of a folder's file system, empty if it is unknown."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    mounts = {Path(fields[1].replace("\\040", " ")): fields[2] for fields in (line.split() for line in lines)}
    resolved = folder.resolve()
    return next((mounts[path] for path in (resolved, *resolved.parents) if path in mounts), "")
