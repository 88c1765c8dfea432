"""Requests that gunicorn can't parse: a problem, which is recorded, without a part of the request."""

import json
import logging

import pytest
from gunicorn.http.errors import InvalidHeader, LimitRequestHeaders, LimitRequestLine

from notifygate.server import handler
from notifygate.server.host import InvalidHostError
from notifygate.server.rejection import reject


class StubHandler:
    """Notes the statuses of rejected requests."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    def record_rejected(self, status: int) -> str:
        self.statuses.append(status)
        return f"id-{len(self.statuses)}"


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The statuses that are recorded."""
    stub = StubHandler()
    monkeypatch.setattr(handler, "_handlers", [stub])
    return stub.statuses


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidHeader("Bearer secret"), 400),
        (InvalidHostError(), 400),
        (LimitRequestLine(9000, 8190), 414),
        (LimitRequestHeaders("max buffer headers"), 431),
        (LookupError("a defect"), 500),
    ],
)
def test_rejected_request_is_recorded_and_nothing_else_unless_it_is_a_defect(
    recorded: list[int], caplog: pytest.LogCaptureFixture, error: Exception, status: int
) -> None:
    with caplog.at_level(logging.INFO, "notifygate"):
        head, _, body = reject(error).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert recorded == [status]
    assert json.loads(body)["request_id"] == "id-1"
    assert [record.levelname for record in caplog.records] == (["ERROR"] if status == 500 else [])
    assert "secret" not in head.decode() + body.decode() + caplog.text
