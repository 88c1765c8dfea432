"""Ends the servers of a test run whose process has ended in any way.

A run that is killed can clean up nothing, so a second process does it: it reads lines from a pipe whose other
end only the test process holds, and acts when the pipe is closed. This works wherever there are pipes, for
paused processes too, and leaves no folder behind; a parent-death signal would do neither.

Run as a script it is the reaper; imported it offers the functions below.
"""

import atexit
import glob
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

# A server that got SIGQUIT releases its shared memory and ends its children; after this, it is killed.
GRACE_SECONDS = 5.0
POLL_SECONDS = 0.05


def watch_process(pid: int) -> None:
    """Register a process group, which is ended after the end of this process."""
    _send(f"process {pid}")


def forget_process(pid: int) -> None:
    """Report that the process group has ended: its number may soon belong to another one."""
    _send(f"gone {pid}")


def watch_folder(folder: Path) -> None:
    """Register a folder, which is removed after the end of this process and of the registered ones."""
    _send(f"folder {folder}")


def is_group_alive(group: int) -> bool:
    """Return whether a process of the group runs.

    Zombies don't count: they keep no port and no file, but some inits take seconds to reap them.
    """
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    if not Path("/proc/self/stat").exists():
        return True  # Not Linux: zombies count as running.
    # Thread by thread: a process counts as a zombie when its first thread has ended, and others may still keep a port.
    # `glob.iglob`, because `Path.glob` raises where a process ends between the listing of /proc and that of its
    # threads.
    for process in glob.iglob("/proc/[0-9]*"):
        if _state_and_group(f"{process}/stat")[1] == group:
            for thread in glob.iglob(f"{process}/task/[0-9]*/stat"):
                if _state_and_group(thread)[0] not in ("Z", "X"):
                    return True
    return False


def _state_and_group(stat: str) -> tuple[str, int]:
    """Return the state of a process or thread, and its group; that of one that ended, which is in none."""
    try:
        # The name of the program is before these, in parentheses, and may contain any character.
        state, _parent, group, *_ = Path(stat).read_text().rpartition(")")[2].split()
    except OSError:
        return "X", 0
    return state, int(group)


def _send(line: str) -> None:
    pipe = _reaper().stdin
    assert pipe is not None
    pipe.write(f"{line}\n".encode())


@cache
def _reaper() -> "subprocess.Popen[bytes]":
    """Start the reaper, once; it listens on its standard input."""
    reaper = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        # The reaper reads each line as soon as it is written.
        bufsize=0,
        # An inherited output would keep `make test | tee` from ending.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Ctrl-C goes to the whole group of the terminal, and the reaper has to outlive it.
        start_new_session=True,
    )
    # Closes the pipe and waits. Not with os.close on a pipe of our own: gevent's closes only when something
    # else wakes its loop, and the wait would never end.
    atexit.register(reaper.communicate)
    return reaper


def _keep_reaper() -> None:
    """Read registrations until the pipe closes, then end the processes and remove the folders."""
    processes: set[int] = set()
    folders: list[str] = []
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "process":
            processes.add(int(rest))
        elif word == "gone":
            processes.discard(int(rest))
        elif word == "folder":
            folders.append(rest)

    # SIGCONT last: a paused process then handles the signal that ends it.
    _signal_groups(processes, signal.SIGQUIT)
    _signal_groups(processes, signal.SIGCONT)
    deadline = time.monotonic() + GRACE_SECONDS
    # They have no parent now, so their end can only be polled.
    while any(is_group_alive(pid) for pid in processes) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    _signal_groups(processes, signal.SIGKILL)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _signal_groups(pids: set[int], number: int) -> None:
    for pid in pids:
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            continue  # It ended by itself.


if __name__ == "__main__":
    _keep_reaper()
