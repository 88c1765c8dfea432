"""The socket below gevent's. A module of its own, so that gunicorn's master can import it without the rest."""

import socket
from typing import Any


def raw_socket(client: Any) -> socket.socket:
    """Return the socket below gevent's, for the hub: gevent's own methods may block, and the hub must not."""
    return getattr(client, "_sock", client)
