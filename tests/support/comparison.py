"""The comparison of two exchanges: of everything but the order of header fields.

Values that differ by nature (times, generated ids, random numbers) are first checked for their form and then replaced
by their names, so that an absence, or another form, is a difference too.
"""

import difflib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from tests.support.exchange import Answer, Exchange, asks_for_a_head, read_answers

_REQUEST_ID = r"[0-9a-f]{32}"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_CURSOR = r"(?<![\w-])1[A-Za-z0-9_-]{22}(?![\w-])"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

MAX_CLOCK_SECONDS = 60
"""The largest difference between a Date and the end of the exchange; some take a few seconds."""

MAX_INTERVAL_SECONDS = 90
"""The default interval, stretched as far as a busy gateway that has just started stretches it."""

Replace = Callable[[str], str]


def differences(one: Exchange, other: Exchange, *, with_opaque: bool = False) -> list[str]:
    """Return the differences of two exchanges, a line each; none if they are equal.

    `with_opaque`: both have their own notifications, so ids, cursors and times differ too. They are numbered in the
    order of their occurrence, so that a repetition, or its absence, is still a difference.
    """
    return [
        line
        for line in difflib.unified_diff(
            normalised(one, with_opaque=with_opaque),
            normalised(other, with_opaque=with_opaque),
            lineterm="",
            n=0,
        )
        if not line.startswith(("---", "+++", "@@"))
    ]


def normalised(exchange: Exchange, *, with_opaque: bool = False) -> list[str]:
    """Return an exchange as lines without expected differences."""
    answers, rest = read_answers(exchange.received, is_head=asks_for_a_head(exchange.sent))
    lines = [f"{len(answers)} answers"]
    for position, answer in enumerate(answers, 1):
        lines += [f"{position}: {line}" for line in _lines(answer, exchange)]
    lines.append(f"after them: {rest!r}")
    lines.append("the connection " + ("waits for more" if exchange.stayed_open else "is closed by the gateway"))
    return _numbered(lines) if with_opaque else lines


def _lines(answer: Answer, exchange: Exchange) -> list[str]:
    made_ids = [
        value
        for value in answer.values("X-Request-Id")
        if re.fullmatch(_REQUEST_ID, value) and value.encode() not in exchange.sent
    ]
    intervals = [value for value in answer.values("Poll-Interval") if _is_interval(value)]

    def without_ids(text: str) -> str:
        for made_id in made_ids:
            text = text.replace(made_id, "<request id>")
        return text

    by_name: dict[str, Replace] = {
        "date": partial(_date, at=exchange.at),
        "ratelimit": lambda value: re.sub(r";r=\d+;t=[1-9]\d*(?=,|$)", ";r=<remaining>;t=<seconds>", value),
        "poll-interval": lambda value: "<interval>" if _is_interval(value) else value,
        "x-request-id": without_ids,
        # A set whose order changes from process to process.
        "allow": lambda value: ", ".join(sorted(value.split(", "))),
        "location": lambda value: re.sub(r"127\.0\.0\.1:\d+", "<address>", value),
        # The body has the interval too, with one digit or two.
        "content-length": lambda value: _length(value, answer, intervals),
    }
    fields = sorted(f"{name}: {by_name.get(name.lower(), str)(value)}" for name, value in answer.fields)
    body = without_ids(answer.body.decode("latin-1"))
    for interval in intervals:
        body = body.replace(f'"poll":{{"after":{interval},', '"poll":{"after":<interval>,')
    return [answer.first_line, *fields, f"body: {body}"]


def _is_interval(value: str) -> bool:
    return value.isdigit() and 1 <= int(value) <= MAX_INTERVAL_SECONDS


def _date(value: str, at: float) -> str:
    try:
        date = datetime.strptime(value, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return value
    return "<date>" if abs(date.timestamp() - at) < MAX_CLOCK_SECONDS else value


def _length(value: str, answer: Answer, intervals: list[str]) -> str:
    """Return a Content-Length as if the interval had two digits."""
    if not value.isdigit() or not intervals or b'"poll":{"after":' not in answer.body:
        return value
    return str(int(value) + 2 - len(intervals[0]))


def _numbered(lines: list[str]) -> list[str]:
    numbers: dict[str, str] = {}

    def number(kind: str, match: re.Match[str]) -> str:
        return numbers.setdefault(match[0], f"<{kind} {len(numbers) + 1}>")

    for kind, pattern in (("id", _UUID), ("cursor", _CURSOR), ("time", _TIME)):
        lines = [re.sub(pattern, partial(number, kind), line) for line in lines]
    return lines
