"""Free ports on the loopback address, each reserved for the process that took it."""

import errno
import fcntl
import os
import random
import socket
from functools import cache

# Below the range from which systems take the ports of outgoing connections (from 32768 on Linux, from 49152
# elsewhere). A port from that range could be taken by any client while its server restarts, or a client that
# retries against the closed port could connect to itself.
_PORTS = range(20_000, 32_000)
_ATTEMPTS = 200

_reserved: set[int] = set()


def free_port() -> int:
    """Return a port of 127.0.0.1 on which no process listens, and which no process of a test run gets from here while
    this one runs: its server may begin to listen later, and restart.

    Raises RuntimeError when none was found.
    """
    for port in random.sample(_PORTS, _ATTEMPTS):
        if port not in _reserved and _reserve(port) and _is_free(port):
            return port
    raise RuntimeError(f"none of {_ATTEMPTS} ports between {_PORTS.start} and {_PORTS.stop} was free")


def _reserve(port: int) -> bool:
    """Reserve a port until the process ends, by a lock on one byte of a file that all test runs share; return whether
    no other process has it."""
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            raise
        return False
    _reserved.add(port)
    return True


@cache
def _reservations() -> int:
    """Return the open file, the same for all runs whatever their TMPDIR. It is never closed, which would end the
    locks."""
    return os.open(f"/tmp/notifygate-test-ports-{os.getuid()}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)  # noqa: S108


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            return False
    return True
