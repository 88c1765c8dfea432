"""Answers to polls as bytes: what gunicorn and Flask would send, without either.

Everything that ten thousand answers have in common is put together once a second, when the Date changes.
tests/longpoll/test_differential.py compares the answers of both ways.
"""

import email.utils
from collections.abc import Mapping, Sequence

import orjson
from gunicorn import SERVER
from werkzeug.http import HTTP_STATUS_CODES

from notifygate.api.headers import NO_SNIFFING, PRIVATE, cors_headers, limit_headers
from notifygate.api.poll_request import UNREAD, Poll
from notifygate.domain.cursor import etag
from notifygate.holds.advice import PollAdvice
from notifygate.inbox.answer import Found, counts_body, poll_body
from notifygate.limits.windows import Quota
from notifygate.problem_catalogue import CATALOGUE, problem_document

_FOUND = b"%bContent-Type: application/json\r\nContent-Length: %d\r\n%bETag: %b\r\n%b%bX-Request-Id: %b\r\n%b%b\r\n%b"


class PollWriter:
    """Writes answers. `renew` is called once a second."""

    def __init__(self, advice: PollAdvice, origins: Sequence[str]) -> None:
        self._advice = advice
        self._origins = origins
        self._starts: dict[tuple[int, bool, bool], bytes] = {}
        self._limits: dict[tuple[str, ...], bytes] = {}
        self._private = _lines({**PRIVATE, "Vary": PRIVATE["Vary"] + (", Origin" if origins else "")})
        self._cors = {origin: _lines(cors_headers(origin, origins)) for origin in origins}
        self._no_sniffing = _lines(NO_SNIFFING)

    def renew(self) -> None:
        """Let the next answers carry the present Date."""
        self._starts.clear()

    def not_modified(self, poll: Poll, token: str) -> bytes:
        """Write a 304 that repeats a tag."""
        return self._start_for(304, poll) + self.not_modified_end(poll, token)

    def not_modified_end(self, poll: Poll, token: str) -> bytes:
        """Write what a 304 has in common with the same client's next."""
        return b"%bETag: %b\r\n%b%b\r\n" % (
            self._private,
            etag(token).encode(),
            self._of_poll(poll),
            self._cors_of(poll),
        )

    def found(self, poll: Poll, found: Found, quotas: Sequence[Quota]) -> bytes:
        """Write a 200. `poll` has its `request_id`."""
        after = self._advice.poll_after()
        if poll.route == UNREAD:
            body = counts_body(found.unread, found.unseen)
        else:
            body = poll_body(found, after, self._advice.longest_wait())
        return _FOUND % (
            self._start_for(200, poll),
            len(body),
            self._private,
            etag(found.token).encode(),
            self._of_poll(poll),
            self._no_sniffing,
            (poll.request_id or "").encode(),
            self._limits_of(quotas),
            self._cors_of(poll),
            body,
        )

    def problem(self, poll: Poll, code: str, detail: str, retry_after: int | None, quotas: Sequence[Quota]) -> bytes:
        """Write an error of the catalogue. `poll` has its `request_id`."""
        request_id = poll.request_id or ""
        problem = CATALOGUE[code]
        body = orjson.dumps(problem_document(code, detail, request_id))
        headers = {
            "Content-Type": "application/problem+json",
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Request-Id": request_id,
            **NO_SNIFFING,
            **limit_headers(quotas),
        }
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        if self._origins:
            headers["Vary"] = "Origin"
        start = self._start_for(problem.status, poll)
        return b"%b%b%b\r\n%b" % (start, _lines(headers), self._cors_of(poll), body)

    def _start_for(self, status: int, poll: Poll) -> bytes:
        return self.start(status, is_http_11=poll.is_http_11, keeps_alive=poll.keeps_alive)

    def start(self, status: int, *, is_http_11: bool, keeps_alive: bool) -> bytes:
        """Write what all answers of one kind have in common at this moment."""
        key = (status, is_http_11, keeps_alive)
        start = self._starts.get(key)
        if start is None:
            lines = {
                "Server": SERVER,
                "Date": email.utils.formatdate(usegmt=True),
                "Connection": "keep-alive" if keeps_alive else "close",
            }
            phrase = HTTP_STATUS_CODES[status].upper()
            start = b"HTTP/1.%d %d %b\r\n%b" % (is_http_11, status, phrase.encode(), _lines(lines))
            self._starts[key] = start
        return start

    def _of_poll(self, poll: Poll) -> bytes:
        if poll.wait is None:
            return b"Poll-Interval: %d\r\n" % self._advice.poll_after()
        return b"Poll-Interval: %d\r\nPreference-Applied: wait=%d\r\n" % (self._advice.poll_after(), poll.wait)

    def _limits_of(self, quotas: Sequence[Quota]) -> bytes:
        """Write what `limit_headers` gives; only the numbers of RateLimit differ from one recipient to the next."""
        names = tuple([quota.name for quota in quotas])
        lines = self._limits.get(names)
        if lines is None:
            blank = limit_headers([quota._replace(remaining=-1, reset_seconds=-1) for quota in quotas])
            lines = self._limits[names] = _lines(blank).replace(b"=-1", b"=%d")
        numbers = [number for quota in quotas for number in (quota.remaining, quota.reset_seconds)]
        return lines % tuple(numbers)

    def _cors_of(self, poll: Poll) -> bytes:
        return self._cors.get(poll.origin, b"") if poll.origin is not None else b""


def _lines(headers: Mapping[str, str]) -> bytes:
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode()
