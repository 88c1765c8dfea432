"""The heads that the load generator sends: whether they are in the tables in which the gateway keeps heads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gevent.server import StreamServer

from benchmarks import loadgen
from benchmarks.rows.nothing_new import ROWS
from benchmarks.servers.gateway import Gateway
from notifygate.domain.cursor import CURSOR_CHARACTERS
from notifygate.protocol.request import Request
from notifygate.server import plain_request
from notifygate.server.plain_request import read_request, repeat_key
from notifygate.server.repeats import Repeats
from tests.benchmarks.compiler import need_compiler

RECIPIENTS = 20
TIMES = 3
"""The number of polls of each recipient."""


class Repeat:
    """A 304 that is always valid."""

    held_bytes = 100

    def response_at(self, now: float) -> bytes | None:
        return b"304"


class HeadKeeper:
    """A server that answers everything with 304 and keeps the heads that it receives."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.stop()

    def _serve(self, client: Any, address: object) -> None:
        received = b""
        while more := client.recv(65536):
            received += more
            if received.endswith(b"\r\n\r\n"):
                self.heads.append(received)
                received = b""
                client.sendall(b"HTTP/1.1 304 NOT MODIFIED\r\n\r\n")


@pytest.fixture
def keeper() -> Iterator[HeadKeeper]:
    need_compiler()
    keeper = HeadKeeper()
    yield keeper
    keeper.close()


def send(keeper: HeadKeeper, row: str, folder: Path) -> list[bytes]:
    """Have the load generator send the polls of a row of the benchmark; return them as received."""
    gateway = Gateway(folder)  # not started: it signs the tokens
    polls = gateway.short_polls(["1".ljust(CURSOR_CHARACTERS, "A")] * RECIPIENTS, ROWS[row])
    gateway.__exit__()
    loadgen.once(keeper.address, polls * TIMES, folder, connections=2, expect=304)
    assert len(keeper.heads) == RECIPIENTS * TIMES
    return keeper.heads


def test_new_heads_are_in_no_table_of_the_server(keeper: HeadKeeper, tmp_path: Path) -> None:
    """They are of known recipients with several limits."""
    repeats, requests = Repeats(), list[Request]()
    for head in send(keeper, "new_heads", tmp_path):
        lines = set(head.split(b"\r\n")[1:-2])
        new = {line for line in lines - plain_request._idle_lines if line.startswith(b"Traceparent: ")}
        assert new, "its own line is read"
        request = read_request(head)
        assert request is not None, "it is read as a plain poll"
        requests.append(request)
        assert repeats.get(head) is None
        assert repeats.get(repeat_key(head)) is None
        repeats.remember(repeat_key(head), Repeat)
    assert len(repeats) == 0, "none was sent a second time"
    assert len({request.fields[b"authorization"] for request in requests}) == RECIPIENTS
    assert len({request.query for request in requests}) == RECIPIENTS


@pytest.mark.parametrize("row", ["repeated", "cache_busters"])
def test_other_rows_measure_remembered_polls(keeper: HeadKeeper, tmp_path: Path, row: str) -> None:
    heads = send(keeper, row, tmp_path)
    assert len(set(heads)) == (RECIPIENTS if row == "repeated" else len(heads))
    repeats, answered = Repeats(), 0
    for head in heads:
        answered += repeats.get(repeat_key(head)) is not None
        repeats.remember(repeat_key(head), Repeat)
    assert answered == RECIPIENTS * (TIMES - 2), "all but the first two polls of each"
