"""Reading the rest of a body after its response."""

import socket

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser

from notifygate.server.transfer import finish_body

HEAD = b"POST / HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "is_finished"), [(b"1\r\n \r\n0\r\n\r\n", True), (b"no size\r\n \r\n0\r\n\r\n", False)]
)
def test_the_next_request_begins_after_a_valid_body_only(body: bytes, is_finished: bool) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(HEAD + body)
        theirs.shutdown(socket.SHUT_WR)
        request = next(RequestParser(Config(), ours, ("127.0.0.1", 0)))
        if not is_finished:
            with pytest.raises(ParseException):
                request.body.read()
        assert finish_body(request, ours) is is_finished
