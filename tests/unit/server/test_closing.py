"""A listening socket that is closed without a reset for any client."""

import socket
from contextlib import ExitStack

import pytest
from gevent.server import StreamServer

from notifygate.server import closing
from notifygate.server.closing import accept_queued, close_after_response, refuse_new_handshakes
from notifygate.server.transfer import BodySource

MOMENT_SECONDS = 0.5
"""Less than the second after which a client repeats the first packet of a handshake."""


def test_socket_about_to_close_completes_no_new_connection_and_keeps_the_others() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        queued = socket.create_connection(address)
        queued.sendall(b"request")
        refuse_new_handshakes(listener)
        with socket.socket() as late:
            late.settimeout(MOMENT_SECONDS)
            with pytest.raises(TimeoutError):
                late.connect(address)
        accepted, _ = listener.accept()
        with accepted, queued:
            assert accepted.recv(100) == b"request"
            accepted.sendall(b"answer")
            assert queued.recv(100) == b"answer"
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_queue_is_accepted_to_its_end_or_until_the_server_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as connections:
        for _ in range(3):
            connections.enter_context(socket.create_connection(listener.getsockname()))
        server = StreamServer(listener, handle=lambda client, _: accepted.append(client), spawn=None)
        for most in (2, 9):
            monkeypatch.setattr(server, "full", lambda most=most: len(accepted) >= most)
            accept_queued(server)
            assert len(accepted) == min(most, 3)
        for client in accepted:
            client.close()


def test_sockets_of_other_kinds_are_unchanged(tmp_path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        refuse_new_handshakes(listener)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "s"))


class EndlessSender:
    """A socket whose client sends faster than the gateway reads."""

    reads = 0
    is_closed = False

    def shutdown(self, how: int) -> None:
        assert how == socket.SHUT_WR

    def recv(self, size: int) -> bytes:
        self.reads += 1
        assert self.reads < 1_000_000, "it is read for ever"
        return b"x"

    def close(self) -> None:
        self.is_closed = True


def test_client_that_sends_without_a_pause_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "CLOSING_SECONDS", 0.05)
    client = EndlessSender()
    close_after_response(client)
    assert client.is_closed
    with pytest.raises(TimeoutError):
        BodySource(client, 0).recv(100)
