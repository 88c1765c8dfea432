"""Free ports on the loopback address."""

import errno
import random
import socket

# Below the range from which systems take the ports of outgoing connections (from 32768 on Linux, from 49152
# elsewhere). A port from that range could be taken by any client while its server restarts, or a client that
# retries against the closed port could connect to itself.
_PORTS = range(20_000, 32_000)
_ATTEMPTS = 200


def free_port() -> int:
    """Return a port of 127.0.0.1 on which no process listens.

    It isn't reserved: another process could take it before it is used. Ports are drawn at random, so that two
    test runs on one machine seldom meet.

    Raises RuntimeError when none was found.
    """
    for port in random.sample(_PORTS, _ATTEMPTS):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
                continue
            return port
    raise RuntimeError(f"none of {_ATTEMPTS} ports between {_PORTS.start} and {_PORTS.stop} was free")
