"""The template of a broadcast: thousands of responses with one new notification each that differ in few places."""

import re

from notifygate.domain.cursor import CURSOR_CHARACTERS
from notifygate.endpoints.polling import update_fields
from notifygate.inbox.answer import single_news_body
from notifygate.inbox.view import View
from notifygate.limits.windows import FixedWindows
from notifygate.protocol.encoder import Encoder
from notifygate.protocol.response import NO_SNIFFING

_BLANK = re.compile(rb"%[bd]")
_DIGITS = [b"%d" % number for number in range(4096)]
"""Precomputed: nearly all counts and lengths."""


class BroadcastTemplate:
    """Head and body of a response, cut at the places where responses differ.

    Joining parts takes three fifths of the time of formatting. Parts that equal those of the previous response, as most
    do in a broadcast, are not formatted again. The bytes are those of `Encoder.encode` for the same response, except
    that the poll interval and the seconds until a window ends may be a second old.
    """

    def __init__(
        self, encoder: Encoder, guard: FixedWindows, poll: FixedWindows, poll_after: int, poll_wait: int
    ) -> None:
        self.valid_for = (guard.ends_at, poll.ends_at)
        """The windows of the template, which end at the same time for all principals."""
        # In RateLimit only the remaining numbers differ between principals.
        limits = encoder.limit_template(("guard", "poll")) % (-1, guard.left("")[1], -1, poll.left("")[1])
        head = b"%b%b%bX-Request-Id: %%b\r\n%bContent-Length: %%d\r\n\r\n" % (
            encoder.start(200, is_http_11=True, keep_alive=True),
            update_fields(b"%b", poll_after, b"Preference-Applied: wait=%d\r\n", encoder.private),
            NO_SNIFFING,
            limits.replace(b"=-1", b"=%d"),
        )
        self._head = _BLANK.split(head)
        self._body = _BLANK.split(single_news_body(poll_after, poll_wait))
        self._filled_in: tuple[bytes, int | None, int, int] | None = None
        self._parts = (b"",) * 7
        self._length = 0

    def fill(
        self, notification: bytes, view: View, wait: int | None, request_id: str, guard_left: int, poll_left: int
    ) -> bytes:
        """Return a response: a notification as JSON, the view's counts and cursor, granted wait, remaining quotas."""
        shared = notification, wait, guard_left, poll_left
        if shared != self._filled_in:
            self._fill_in(*shared)
            self._filled_in = shared
        try:
            unread, unseen = _DIGITS[view.unread], _DIGITS[view.unseen]
            length = _DIGITS[self._length + len(unread) + len(unseen)]
        except IndexError:
            unread, unseen = b"%d" % view.unread, b"%d" % view.unseen
            length = b"%d" % (self._length + len(unread) + len(unseen))
        cursor, id_ = view.cursor.encode(), request_id.encode()
        start, to_id, to_length, to_unread, to_unseen, to_cursor, end = self._parts
        return b"".join(
            (start, cursor, to_id, id_, to_length, length, to_unread, unread, to_unseen, unseen, to_cursor, cursor, end)
        )

    def _fill_in(self, notification: bytes, wait: int | None, guard_left: int, poll_left: int) -> None:
        """Join the segments that the next responses share."""
        start, to_wait, to_id, to_guard, to_poll, to_length, head_end = self._head
        to_notification, to_unread, to_unseen, to_cursor, end = self._body
        self._parts = (
            start,
            b"%b%d%b" % (to_wait, wait, to_id),
            b"%b%d%b%d%b" % (to_guard, guard_left, to_poll, poll_left, to_length),
            head_end + to_notification + notification + to_unread,
            to_unseen,
            to_cursor,
            end,
        )
        self._length = sum(map(len, self._body)) + len(notification) + CURSOR_CHARACTERS
