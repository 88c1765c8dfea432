"""The process's limit on open files: each held request and each idle connection is one.

Shells and services begin with a soft limit of 1024, a tenth of what a worker may hold. Past it the worker can't accept
connections at all: who comes then isn't answered late but never, and neither is who looks after the gateway.
"""

import logging
import resource
import sys

logger = logging.getLogger(__name__)

OTHER_FILES = 200
"""What a worker has open besides its clients: database and Redis connections, metrics, logs, gevent's own. Some 30 in
practice, and up to `database_pool` more."""


def raise_open_files_limit(connections: int, holds: int) -> int:
    """Raise the soft limit of this process, and so of its children, to what so many connections need.

    Never above the hard limit, and never down. Warns where not even the holds fit into it. Returns the limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError) as error:  # macOS has a second limit, which the hard one doesn't tell
            logger.debug("Not raised: %s", type(error).__name__)
    if soft != resource.RLIM_INFINITY and soft < holds + OTHER_FILES:
        logger.warning(
            "This process may open %d files, too few for %d holds: raise the hard limit (ulimit -Hn), or lower"
            " NOTIFYGATE_HOLDS_PER_WORKER",
            soft,
            holds,
        )
    return soft


def connections_that_fit() -> int:
    """Return how many connections this process may have and still open what else it needs.

    Past that it must not accept: those who are connected already would be served without a database.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    return soft - min(OTHER_FILES, soft // 2)
