"""Answers as bytes: what gunicorn and Flask would send, without either.

What ten thousand answers have in common is put together once a second, when the Date changes.
tests/longpoll/test_differential.py compares the answers of both ways.
"""

import email.utils
import re
from collections.abc import Mapping, Sequence

import orjson
from werkzeug.http import HTTP_STATUS_CODES

from notifygate.api.accounting import CLIENT_GONE
from notifygate.api.desk.requests import UNREAD, DeskRequest, Poll
from notifygate.api.headers import NO_SNIFFING, PRIVATE, cors_headers, limit_headers
from notifygate.api.problems import describe_error
from notifygate.domain.cursor import TOKEN_CHARACTERS
from notifygate.domain.ids import new_request_id
from notifygate.errors import UnauthorizedError
from notifygate.holds.advice import PollAdvice
from notifygate.inbox.answer import Found, counts_body, poll_body, single_news_body
from notifygate.inbox.view import View
from notifygate.limits.windows import FixedWindows, Quota
from notifygate.problem_catalogue import CATALOGUE, problem_document
from notifygate.server.desk import SERVER_NAME

# ETag as `domain.cursor.etag` has it.
_NOT_MODIFIED = b'%bETag: W/"%b"\r\nPoll-Interval: %d\r\n%b%b\r\n'
# A 200 in two parts: what all have in common, and what differs.
_FOUND = b"%bContent-Type: application/json\r\n%bPoll-Interval: %d\r\n%b"
_FOUND_END = b'Content-Length: %b\r\nETag: W/"%b"\r\n%bX-Request-Id: %b\r\n%b%b\r\n'
_WAITED = b"Preference-Applied: wait=%d\r\n"
_CREATED = b"%bContent-Type: application/json\r\nContent-Length: %d\r\n%b%b%bX-Request-Id: %b\r\n%b%b\r\n%b"

_BLANK = re.compile(rb"%[bd]")
_DIGITS = [b"%d" % number for number in range(4096)]
"""Ready made: nearly all counts and lengths."""


class AnswerWriter:
    """Writes answers. `renew` is called once a second."""

    def __init__(self, advice: PollAdvice, origins: Sequence[str]) -> None:
        self._advice = advice
        self._origins = origins
        self._starts: dict[tuple[int, bool, bool], bytes] = {}
        self._single_news: SingleNewsForms | None = None
        self._limits: dict[str, bytes] = {}
        """By the last one's name, which tells which they are: a limit is on or off for all."""
        self._private = _lines({**PRIVATE, "Vary": PRIVATE["Vary"] + (", Origin" if origins else "")})
        self._cors = {origin: _lines(cors_headers(origin, origins)) for origin in origins}
        self._no_sniffing = _lines(NO_SNIFFING)

    def renew(self) -> None:
        """Let the next answers carry the present Date."""
        self._starts.clear()
        self._single_news = None

    def not_modified(self, poll: Poll, token: str) -> bytes:
        """Write a 304 that repeats a tag."""
        return self._start_for(304, poll) + self.not_modified_end(token, _waited(poll), self._cors_of(poll))

    def not_modified_end(self, token: str, waited: bytes = b"", cors: bytes = b"") -> bytes:
        """Write what a 304 has in common with the same client's next."""
        return _NOT_MODIFIED % (self._private, token.encode(), self._advice.poll_after(), waited, cors)

    def found(self, poll: Poll, found: Found, quotas: Sequence[Quota]) -> bytes:
        """Write a 200. `poll` has its `request_id`."""
        after = self._advice.poll_after()
        if poll.route == UNREAD:
            body = counts_body(found.unread, found.unseen)
        else:
            body = poll_body(found, after, self._advice.longest_wait())
        end = _FOUND_END % (
            b"%d" % len(body),
            found.token.encode(),
            _waited(poll),
            (poll.request_id or "").encode(),
            self._limits_of(quotas),
            self._cors_of(poll),
        )
        return self._found_start(self._start_for(200, poll), after) + end + body

    def _found_start(self, start: bytes, after: int) -> bytes:
        return _FOUND % (start, self._private, after, self._no_sniffing)

    def single_news_forms(self, guard: FixedWindows, poll: FixedWindows) -> "SingleNewsForms":
        """Return the forms for answers that are sent now and tell one new notification each.

        For polls that share their form (`HeldPoll.is_common`) and principals with just these two limits, whose windows
        end at the same time for all. Made once a second, with the Date, and for each window: so the advice and the time
        until a window ends may be a second old.
        """
        valid_for = (guard.ends_at, poll.ends_at)
        if self._single_news is None or self._single_news.valid_for != valid_for:
            after = self._advice.poll_after()
            start = self._found_start(self.start(200, is_http_11=True, keeps_alive=True), after)
            quotas = guard.quota(0, guard.ends_at), poll.quota(0, poll.ends_at)
            limits = self._limits_form(quotas) % (-1, quotas[0].reset_seconds, -1, quotas[1].reset_seconds)
            head = start + _FOUND_END % (b"%d", b"%b", _WAITED, b"%b", _with_blanks(limits), b"")
            body = single_news_body(after, self._advice.longest_wait())
            self._single_news = SingleNewsForms(head, body, valid_for)
        return self._single_news

    def created(self, asked: DeskRequest, body: bytes, fields: Mapping[str, str], quotas: Sequence[Quota]) -> bytes:
        """Write a 201 with further header fields. `asked` has its `request_id`."""
        return _CREATED % (
            self._start_for(201, asked),
            len(body),
            _lines(fields),
            self._private,
            self._no_sniffing,
            (asked.request_id or "").encode(),
            self._limits_of(quotas),
            self._cors_of(asked),
            body,
        )

    def gone(self, poll: Poll, quotas: Sequence[Quota]) -> bytes:
        """Write what a client gets that is taken for gone. `poll` has its `request_id`."""
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": "0",
            "X-Request-Id": poll.request_id or "",
            **NO_SNIFFING,
            **limit_headers(quotas),
        }
        if self._origins:
            headers["Vary"] = "Origin"
        return b"%b%b%b\r\n" % (self._start_for(CLIENT_GONE, poll), _lines(headers), self._cors_of(poll))

    def error(self, asked: DeskRequest, error: Exception, quotas: Sequence[Quota]) -> tuple[int, bytes]:
        """Write the problem that an error is to the caller; return its status, too."""
        request_id = asked.request_id = asked.request_id or new_request_id()
        code, detail, retry_after = describe_error(error, request_id)
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
        if isinstance(error, UnauthorizedError):
            headers["WWW-Authenticate"] = "Bearer"
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        if self._origins:
            headers["Vary"] = "Origin"
        start = self._start_for(problem.status, asked)
        return problem.status, b"%b%b%b\r\n%b" % (start, _lines(headers), self._cors_of(asked), body)

    def _start_for(self, status: int, asked: DeskRequest) -> bytes:
        return self.start(status, is_http_11=asked.is_http_11, keeps_alive=asked.keeps_alive)

    def start(self, status: int, *, is_http_11: bool, keeps_alive: bool) -> bytes:
        """Write what all answers of one kind have in common at this moment."""
        key = (status, is_http_11, keeps_alive)
        start = self._starts.get(key)
        if start is None:
            lines = {
                "Server": SERVER_NAME,
                "Date": email.utils.formatdate(usegmt=True),
                "Connection": "keep-alive" if keeps_alive else "close",
            }
            phrase = HTTP_STATUS_CODES.get(status, "Unknown").upper()
            start = b"HTTP/1.%d %d %b\r\n%b" % (is_http_11, status, phrase.encode(), _lines(lines))
            self._starts[key] = start
        return start

    def _limits_of(self, quotas: Sequence[Quota]) -> bytes:
        """Write what `limit_headers` gives; only the numbers of RateLimit differ from one recipient to the next."""
        if not quotas:
            return b""
        numbers = [number for quota in quotas for number in (quota.remaining, quota.reset_seconds)]
        return self._limits_form(quotas) % tuple(numbers)

    def _limits_form(self, quotas: Sequence[Quota]) -> bytes:
        """Write `limit_headers` with %d for the numbers of RateLimit: all that differs between principals."""
        last = quotas[-1].name
        lines = self._limits.get(last)
        if lines is None:
            blank = limit_headers([quota._replace(remaining=-1, reset_seconds=-1) for quota in quotas])
            lines = self._limits[last] = _with_blanks(_lines(blank))
        return lines

    def _cors_of(self, asked: DeskRequest) -> bytes:
        return self._cors.get(asked.origin, b"") if asked.origin is not None else b""


class SingleNewsForms:
    """What answers share: a head and a body with blanks for what they don't.

    To join parts takes three fifths of the time that filling in a form does. And what is the same as in the answer
    before, as most is in a broadcast, is not filled in again.
    """

    def __init__(self, head: bytes, body: bytes, valid_for: object) -> None:
        self._head, self._body = _BLANK.split(head), _BLANK.split(body)
        self.valid_for = valid_for
        """What they have been made for: see `AnswerWriter.single_news_forms`."""
        self._filled_in: tuple[bytes, int | None, int, int] | None = None
        self._parts = (b"",) * 7
        self._length = 0

    def fill(
        self, text: bytes, view: View, wait: int | None, request_id: str, guard_left: int, poll_left: int
    ) -> bytes:
        """Write an answer: a notification as JSON, the view's counts and cursor, granted wait, what limits leave."""
        wanted = text, wait, guard_left, poll_left
        if wanted != self._filled_in:
            self._fill_in(*wanted)
            self._filled_in = wanted
        try:
            unread, unseen = _DIGITS[view.unread], _DIGITS[view.unseen]
            length = _DIGITS[self._length + len(unread) + len(unseen)]
        except IndexError:
            unread, unseen = b"%d" % view.unread, b"%d" % view.unseen
            length = b"%d" % (self._length + len(unread) + len(unseen))
        cursor, id_ = view.token.encode(), request_id.encode()
        start, to_tag, to_id, to_unread, to_unseen, to_cursor, end = self._parts
        return b"".join(
            (start, length, to_tag, cursor, to_id, id_, to_unread, unread, to_unseen, unseen, to_cursor, cursor, end)
        )

    def _fill_in(self, text: bytes, wait: int | None, guard_left: int, poll_left: int) -> None:
        """Fill in what the next answers share: make of the parts between all blanks those between the others."""
        start, to_tag, to_wait, to_id, to_guard, to_poll, head_end = self._head
        to_text, to_unread, to_unseen, to_cursor, end = self._body
        limits = b"%b%d%b%d%b" % (to_guard, guard_left, to_poll, poll_left, head_end)
        self._parts = (
            start,
            to_tag,
            b"%b%d%b" % (to_wait, wait, to_id),
            limits + to_text + text + to_unread,
            to_unseen,
            to_cursor,
            end,
        )
        self._length = sum(map(len, self._body)) + len(text) + TOKEN_CHARACTERS


def _waited(poll: Poll) -> bytes:
    return b"" if poll.wait is None else _WAITED % poll.wait


def _with_blanks(lines: bytes) -> bytes:
    """Put %d where -1 stands, which no answer says."""
    return lines.replace(b"=-1", b"=%d")


def _lines(headers: Mapping[str, str]) -> bytes:
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode()
