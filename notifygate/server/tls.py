"""TLS that gunicorn itself terminates: the handshake of a new connection."""

import logging
import ssl
from typing import Any

import gevent

from notifygate.server.closing import close_after_response

logger = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 30.0
"""Time for a handshake. gevent's own server bounds none, and prints a stack trace for each one that fails."""


def accept_tls(client: Any, context: ssl.SSLContext, clients: set[Any]) -> ssl.SSLSocket | None:
    """Return a connection after its handshake; None, with the connection closed, if that fails.

    `clients` has the connection meanwhile: a worker that stops ends what these send.
    """
    connection = client
    try:
        connection = context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        clients.add(connection)
        with gevent.Timeout(HANDSHAKE_SECONDS, TimeoutError):
            connection.do_handshake()
    except OSError as error:  # an SSLError, a TimeoutError, or the client left
        logger.debug("A TLS handshake failed: %s", type(error).__name__)
        close_after_response(connection)
        return None
    finally:
        clients.discard(connection)
    return connection
