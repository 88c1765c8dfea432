"""Handshakes that fail or do not end: the connection is closed, and nothing is raised."""

import logging
import socket
import ssl
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.ssl import SSLContext

from notifygate.raw_socket import raw_socket
from notifygate.server import tls
from notifygate.server.tls import accept_tls
from tests.support.certificates import make_certificate
from tests.support.waiting import eventually


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    context = SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(tmp_path))
    return context


@pytest.mark.parametrize(
    "sent", [b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n"], ids=["nothing", "a part", "plain HTTP"]
)
@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "leaves"])
def test_failed_handshake_closes_the_connection(
    context: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    sent: bytes,
    leaves: bool,
) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_SECONDS", 0.05)
    theirs, ours = socket.socketpair()
    with theirs:
        theirs.sendall(sent)
        if leaves:
            theirs.shutdown(socket.SHUT_WR)
        with caplog.at_level(logging.DEBUG, "notifygate"):
            assert gevent.spawn(accept_tls, ours, context, set()).get(timeout=20) is None
        while theirs.recv(1000):  # an alert
            pass
    assert [record.exc_info for record in caplog.records] == [None]


def test_handshake_ends_when_the_worker_stops_reading(context: ssl.SSLContext) -> None:
    theirs, ours = socket.socketpair()
    clients: set[Any] = set()
    with theirs:
        handshake = gevent.spawn(accept_tls, ours, context, clients)
        eventually(lambda: clients, "the handshake")
        raw_socket(*clients).shutdown(socket.SHUT_RD)
        assert handshake.get(timeout=20) is None
    assert clients == set()
