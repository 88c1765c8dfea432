"""One response of GET /v1/inbox, and a notification as a line of text (docs/protocol.md section 4)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from notifygate.cli.http_answer import Answer, TransientError
from notifygate.cli.one_line import one_line

Notification = dict[str, Any]
"""A notification as received: unknown fields are kept."""

_MARKS = {"low": "- ", "normal": "  ", "high": "! ", "critical": "!!"}


@dataclass(frozen=True)
class InboxPage:
    """The fields of a response; durations in seconds. `is_reset` and `has_more` as in the protocol."""

    notifications: list[Notification]
    removed: list[str]
    cursor: str
    has_more: bool
    is_reset: bool
    poll_after_seconds: float
    longest_wait_seconds: int


def read_page(answer: Answer) -> InboxPage:
    """Return the page of a 200 of GET /v1/inbox. Raises TransientError for any other body."""
    page: Any = answer.json()
    try:
        return InboxPage(
            notifications=_check_notifications(page["notifications"]),
            removed=[str(notification_id) for notification_id in page["removed"]],
            cursor=check_text(str(page["cursor"])),
            has_more=bool(page["has_more"]),
            is_reset=bool(page["reset"]),
            poll_after_seconds=float(page["poll"]["after"]),
            longest_wait_seconds=int(page["poll"]["wait"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise TransientError("the response is not an inbox; check that NOTIFYGATE_URL is a gateway") from None


def read_history(answer: Answer) -> tuple[list[Notification], bool]:
    """Return notifications, newest first, and `has_more` of GET /v1/inbox/history. Raises as `read_page`."""
    page: Any = answer.json()
    try:
        return _check_notifications(page["notifications"]), bool(page["has_more"])
    except (KeyError, TypeError, ValueError):
        raise TransientError("the response is not a history; check that NOTIFYGATE_URL is a gateway") from None


def _check_notifications(value: Any) -> list[Notification]:
    """Return a list of objects with a string `id`. Raises TypeError for anything else, ValueError as `check_text`."""
    if not isinstance(value, list):
        raise TypeError
    for item in cast("list[Any]", value):
        if not isinstance(item, dict) or not isinstance(cast("Notification", item).get("id"), str):
            raise TypeError
        check_text(cast("Notification", item)["id"])
    return cast("list[Notification]", value)


def check_text(text: str) -> str:
    """Return the text unchanged. Raises ValueError for lone surrogates: JSON can hold them, a request can not."""
    text.encode()
    return text


def format_line(notification: Notification) -> str:
    """Return `TIME MARK TITLE: BODY` on one line that is safe for a terminal.

    The time is local with its offset; the mark is `-` low, blank normal, `!` high, `!!` critical. The
    title is left out before a body that begins with it.
    """
    title = one_line(str(notification.get("title") or ""))
    body = one_line(str(notification.get("body") or ""))
    text = f"{title}: {body}" if body and not body.startswith(title) else body or title
    mark = _MARKS.get(str(notification.get("priority")), "  ")
    return f"{_format_time(str(notification.get('created_at')))} {mark} {text}"


def _format_time(created_at: str) -> str:
    try:
        return datetime.fromisoformat(created_at).astimezone().isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return one_line(created_at)
