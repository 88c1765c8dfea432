"""The comparison of exchanges in the tests of both ways of answering: the differences that it finds and ignores."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.support.comparison import differences
from tests.support.exchange import Exchange

BODY = json.dumps({"unread": 1, "cursor": "x", "poll": {"after": 15, "wait": 55}}, separators=(",", ":"))
MADE_ID = "01a21d728207e2223f09ade700000039"
AN_ANSWER = (
    f"HTTP/1.1 200 OK\r\nServer: notifygate\r\nDate: Fri, 27 Nov 2026 12:00:00 GMT\r\nConnection: keep-alive\r\n"
    f'Content-Length: {len(BODY)}\r\nETag: W/"x"\r\nPoll-Interval: 15\r\nX-Request-Id: {MADE_ID}\r\n'
    f'RateLimit-Policy: "guard";q=100;w=60\r\nRateLimit: "guard";r=99;t=60\r\n\r\n{BODY}'
)
AN_EXCHANGE = Exchange(b"GET / HTTP/1.1\r\n\r\n", AN_ANSWER.encode() * 2, False, 1795780801.0)

ALTERATIONS = (
    ("200 OK", "201 Created"), ("HTTP/1.1", "HTTP/1.0"), ("Server: notifygate\r\n", ""), ("Server:", "server:"),
    ("Server: notifygate\r\n", "Server: notifygate\r\n" * 2), ("keep-alive", "close"), ('W/"x"', '"x"'),
    ("Fri, 27 Nov 2026", "Thu, 26 Nov 2026"), ("Fri, 27 Nov 2026 12:00:00 GMT", "2026-11-27T12:00:00Z"),
    *(("Poll-Interval: 15", f"Poll-Interval: {other}") for other in ("15s", "9000", "16")),
    (f"X-Request-Id: {MADE_ID}\r\n", ""), (MADE_ID, MADE_ID.upper()), ("r=99;t=60", "t=60;r=99"), ("q=100", "q=101"),
    ('"unread":1', '"unread":2'), ('"wait":55}}', '"wait":55}}x'), ('"wait":55}}', '"wait":55}'),
)  # fmt: skip
"""The changes of one of two responses: the old and the new text."""


@pytest.mark.parametrize(("old", "new"), ALTERATIONS)
def test_every_alteration_is_found(old: str, new: str) -> None:
    altered = AN_ANSWER.replace(old, new)
    assert altered != AN_ANSWER
    for received in (altered + AN_ANSWER, AN_ANSWER + altered):
        assert differences(AN_EXCHANGE, replace(AN_EXCHANGE, received=received.encode()))


@pytest.mark.parametrize(
    "altered",
    [
        {"received": AN_ANSWER.encode()},
        {"received": b""},
        {"received": AN_EXCHANGE.received + b"x"},
        {"stayed_open": True},
        {"sent": b"X-Request-Id: " + MADE_ID.encode()},
    ],
    ids=["one answer less", "no answer", "something after the answers", "stays open", "request id that was sent"],
)
def test_another_result_of_the_exchange_is_found(altered: dict[str, Any]) -> None:
    assert differences(AN_EXCHANGE, replace(AN_EXCHANGE, **altered))


@pytest.mark.parametrize(
    ("old", "new"),
    [("12:00:00", "12:00:01"), ("15", "22"), (MADE_ID, MADE_ID.replace("a", "b")), ("r=99;t=60", "r=7;t=1")],
    ids=["date", "interval", "request id", "what is left of a limit"],
)
def test_expected_differences_are_ignored(old: str, new: str) -> None:
    other = AN_ANSWER.replace(old, new)
    assert other != AN_ANSWER
    assert differences(AN_EXCHANGE, replace(AN_EXCHANGE, received=other.encode() * 2)) == []


def test_a_repeated_id_is_found_where_ids_are_numbered() -> None:
    one, other = (f"019b1f3e-7c00-7abc-8def-0123456789{end}" for end in ("ab", "cd"))

    def of(*ids: str) -> Exchange:
        answers = (
            AN_ANSWER.replace('"x"', f'"{shown}"').replace(f": {len(BODY)}", f": {len(BODY) + 35}") for shown in ids
        )
        return replace(AN_EXCHANGE, received="".join(answers).encode())

    assert differences(of(one, other), of(other, one), with_opaque=True) == []
    assert differences(of(one, other), of(one, one), with_opaque=True)
