"""The process's limit on open files: each held request and each idle connection is one.

Shells and services start with a soft limit of 1024, a tenth of a worker's maximum of holds. Past the limit the worker
can't accept connections, so new clients and monitoring get no response at all.
"""

import logging
import os
import resource
import sys

logger = logging.getLogger(__name__)

OTHER_FILES = 200
"""Reserve for files other than clients: database and Redis connections, metrics, logs, gevent's own. Some 30 in
practice, and up to `database_pool` more."""


def wanted_connections(holds: int) -> int:
    """Return the maximum of connections of a worker that holds up to `holds` requests.

    Idle connections count, too, so it is well above the holds: the gateway's own limit comes first and makes polls
    short, while this one leaves connections waiting.
    """
    return 2 * holds + 1000


def count_open_files() -> int:
    """Return the number of open files of this process."""
    try:
        count = os.stat("/proc/self/fd").st_size  # since Linux 6.2; listing 10,000 stops the worker for 10 ms
    except FileNotFoundError:  # macOS
        count = 0
    return count or len(os.listdir("/dev/fd"))


def raise_open_files_limit(connections: int, holds: int) -> int:
    """Raise the soft limit of this process, and so of its children, for `connections`, and return the limit.

    The limit is never lowered, nor raised above the hard limit. A warning is logged if it is too low for `holds`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError) as error:  # macOS has a second, unpublished limit
            logger.debug("Can't raise the limit on open files: %s", type(error).__name__)
    if soft != resource.RLIM_INFINITY and soft < holds + OTHER_FILES:
        logger.warning(
            "The limit of %d open files is too low for %d holds: raise the hard limit (ulimit -Hn), or lower"
            " NOTIFYGATE_HOLDS_PER_WORKER",
            soft,
            holds,
        )
    return soft


def connections_that_fit() -> int:
    """Return the number of connections that leave enough open files for the process' other needs.

    Past it the process must not accept connections: the connected clients would be served without a database.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    return soft - min(OTHER_FILES, soft // 2)
