"""Closing sockets without a reset for any client.

Listening sockets: the kernel completes connections and keeps them in the accept queue. When the last descriptor of the
socket is closed, it resets those in the queue, and those whose last packet of the handshake is on its way: their
clients are connected and may have sent a request, so they can't know whether it was executed.

Connections: the kernel resets one that is closed with unread bytes, or that receives any afterwards. The client then
loses the part of the last response that has not arrived (RFC 9112 section 9.6).
"""

import ctypes
import logging
import socket
import struct
from contextlib import suppress
from typing import Any

import gevent
from gevent.server import StreamServer

from notifygate.raw_socket import raw_socket

logger = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 0.25
"""Time for handshakes that have begun: a round trip, and the worker's turn."""

CLOSING_SECONDS = 2.0
"""Time in which a client must close a connection after the last response; bytes that arrive are discarded."""

DISCARDED_BYTES = 64 * 1024
"""Bytes of one read while a connection closes."""

_SO_ATTACH_FILTER = getattr(socket, "SO_ATTACH_FILTER", 26)  # Linux; Python has no name for it

# Classic BPF (bpf(2), "Linux Socket Filtering"): byte 13 of a TCP header has the flags, and 2 is SYN.
_DROP_SYN = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load the byte
        (0x45, 1, 0, 0x02),  # SYN: skip one instruction
        (0x06, 0, 0, 0xFFFFFFFF),  # keep the packet
        (0x06, 0, 0, 0),  # drop it
    )
)


def refuse_new_handshakes(listener: Any) -> None:
    """Make the kernel ignore new connections to a listening socket, in every process that shares it, for good.

    Their clients repeat the first packet after a second, and reach another listener or are refused. Without this, a
    connection could be completed between the last accept and the close.
    """
    if listener.family not in (socket.AF_INET, socket.AF_INET6):
        return
    program = ctypes.create_string_buffer(_DROP_SYN, len(_DROP_SYN))
    option = struct.pack("HP", len(_DROP_SYN) // 8, ctypes.addressof(program))
    try:
        raw_socket(listener).setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, option)
    except OSError as error:  # not Linux: a window of microseconds remains
        logger.debug("Can't refuse new handshakes: %s", type(error).__name__)


def accept_queued(server: StreamServer) -> None:
    """Accept the connections in the accept queue of a server, up to its capacity."""
    with suppress(OSError):  # out of descriptors
        while not server.full() and (accepted := server.do_read()):
            server.do_handle(*accepted)


def close_after_response(client: Any) -> None:
    """Close a connection so that its client gets the whole of the last response. Waits for CLOSING_SECONDS at most."""
    try:
        with suppress(OSError), gevent.Timeout(CLOSING_SECONDS, False):  # pyright: ignore[reportArgumentType]
            client.shutdown(socket.SHUT_WR)
            while client.recv(DISCARDED_BYTES):
                gevent.sleep(0)  # a client that sends without a pause must not keep the hub from its other work
    finally:
        client.close()
