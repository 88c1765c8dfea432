"""Following an inbox by short and long polls, over failures of networks and gateways.

The rules are those of docs/protocol.md section 4 for clients: the cursor advances only after its changes
were printed; `has_more` of changes and a hold of full length are followed by the next poll at once;
any other response without changes by a pause of `poll.after`. Without the pause, a gateway that responds
early (it stops, it is at its maximum of holds, a seventh device ended this hold) would be polled without end.
"""

from collections.abc import Callable
from typing import NoReturn

import click

from notifygate.cli.gateway_http import Gateway
from notifygate.cli.http_answer import Answer, RefusedError, TransientError
from notifygate.cli.inbox_page import InboxPage, Notification, read_history, read_page
from notifygate.cli.pace import Pace
from notifygate.cli.watch_state import WatchState

PAGE_LIMIT = 200  # the most that the protocol allows
TIMEOUT_MARGIN_SECONDS = 15.0  # in addition to the wait: slow mobile networks and a busy gateway
MAX_PAUSE_SECONDS = 30.0  # between retries while the gateway is unreachable; users would notice a longer one
MIN_POLL_SECONDS, MAX_POLL_SECONDS = 1.0, 600.0  # bounds for `poll.after`, against errors
DEFAULT_POLL_SECONDS = 15.0  # for a 304 without Poll-Interval
FULL_HOLD = 0.85  # share of the granted wait: the gateway shortens it by up to 10 %, clocks round
FAILURES_UNTIL_NOTICE = 3  # a restart or a lost connection is not worth a message
MAX_HISTORY_PAGES = 50  # 10,000 notifications after a reset; older ones are left to history


class InboxFollower:
    """Follows one recipient's inbox.

    `show` gets the new notifications, oldest first, and the removed ids, and returns after writing them;
    then `state` advances and `save` is called.
    """

    def __init__(
        self,
        gateway: Gateway,
        state: WatchState,
        wait_seconds: int,
        pace: Pace,
        show: Callable[[list[Notification], list[str]], None],
        save: Callable[[], None],
    ) -> None:
        self._gateway = gateway
        self._state = state
        self._wait_seconds = wait_seconds
        self._pace = pace
        self._show = show
        self._save = save
        self._is_first = state.cursor is None
        self._longest_wait_seconds = wait_seconds  # until a response has another maximum
        self._etag: str | None = None

    def follow(self) -> NoReturn:
        """Poll for ever. Raises RefusedError when the gateway rejects a poll, and the errors of `show` and `save`."""
        failures = 0
        while True:
            try:
                pause = self.poll()
                failures = 0
            except TransientError as error:
                failures += 1
                if failures == FAILURES_UNTIL_NOTICE:
                    click.echo(f"notifygate: {error.message}; retrying", err=True)
                backoff_seconds = self._pace.backoff_seconds(failures, MAX_PAUSE_SECONDS)
                pause = error.retry_after_seconds + backoff_seconds
            if pause > 0:
                self._pace.sleep(pause)

    def poll(self) -> float:
        """Poll once, show new notifications, advance the state, and return the seconds until the next poll."""
        query: dict[str, str | int] = {"limit": PAGE_LIMIT}
        headers: dict[str, str] = {}
        asked_seconds = 0
        if self._state.cursor is not None:
            asked_seconds = min(self._wait_seconds, self._longest_wait_seconds)
            query |= {"cursor": self._state.cursor, "wait": asked_seconds}
            # Not while holds are rejected: only a 200 shows when they are accepted again.
            if self._etag and (asked_seconds or not self._wait_seconds):
                headers["If-None-Match"] = self._etag
        started_at = self._pace.now()
        try:
            answer = self._get("/v1/inbox", query, headers, asked_seconds)
        except RefusedError as error:
            if error.code != "invalid-cursor" or self._state.cursor is None:
                raise
            self._state.cursor = None  # of another version: the same as a reset
            return 0.0
        held_seconds = self._pace.now() - started_at
        is_full_hold = held_seconds >= FULL_HOLD * _granted_seconds(answer, asked_seconds) > 0
        if answer.status == 304:
            return 0.0 if is_full_hold else _bounded(_poll_interval_seconds(answer))
        page = read_page(answer)
        is_snapshot = page.is_reset or "cursor" not in query
        may_go_on = self._take(page, is_snapshot=is_snapshot) or is_full_hold
        self._etag = answer.headers.get("ETag")
        self._longest_wait_seconds = max(page.longest_wait_seconds, 0)
        has_more = page.has_more and not is_snapshot  # after a snapshot follows history, not new changes
        if has_more or (may_go_on and min(self._wait_seconds, self._longest_wait_seconds) > 0):
            return 0.0
        return _bounded(page.poll_after_seconds)

    def _take(self, page: InboxPage, *, is_snapshot: bool) -> bool:
        """Show the new notifications of a page, advance the state, and return whether there were changes."""
        state = self._state
        if self._is_first:
            new = [item for item in reversed(page.notifications) if not item.get("read_at")]
            if page.has_more:
                state.begin_after(page.notifications)
        elif is_snapshot:
            new = self._find_new(page)
        else:
            new = state.select_new(page.notifications, is_snapshot=False)
        has_changes = not is_snapshot and bool(page.notifications or page.removed)
        has_news = self._is_first or has_changes or bool(new)
        self._show(new, page.removed)
        state.remember([*page.notifications, *new])
        has_moved = state.cursor != page.cursor
        state.cursor = page.cursor
        self._is_first = False
        if has_moved or new:
            self._save()
        return has_news

    def _find_new(self, page: InboxPage) -> list[Notification]:
        """Return the new notifications of a reset, oldest first, from its snapshot and the history before that."""
        items, has_more = page.notifications, page.has_more
        new = older = self._state.select_new(items, is_snapshot=True)
        for _ in range(MAX_HISTORY_PAGES):
            if not has_more or not older:
                break
            query: dict[str, str | int] = {"before": items[-1]["id"], "limit": PAGE_LIMIT}
            try:
                items, has_more = read_history(self._get("/v1/inbox/history", query, {}, 0))
            except RefusedError as error:
                if error.status != 404:
                    raise
                raise TransientError("the inbox changed while it was read") from None  # poll again
            older = self._state.select_new(items, is_snapshot=True)
            new = new + older
        return new[::-1]

    def _get(self, path: str, query: dict[str, str | int], headers: dict[str, str], wait_seconds: int) -> Answer:
        timeout = wait_seconds + TIMEOUT_MARGIN_SECONDS
        return self._gateway.request("GET", path, timeout_seconds=timeout, query=query, headers=headers)


def _granted_seconds(answer: Answer, asked_seconds: int) -> int:
    """Return the granted wait of Preference-Applied, without it the requested one."""
    name, _, value = answer.headers.get("Preference-Applied", "").partition("=")
    is_wait = name.strip().lower() == "wait" and value.strip().isdecimal()
    return min(asked_seconds, int(value)) if is_wait else asked_seconds


def _poll_interval_seconds(answer: Answer) -> float:
    """Return the seconds until the next poll after a 304: the header Poll-Interval."""
    try:
        return float(answer.headers.get("Poll-Interval", DEFAULT_POLL_SECONDS))
    except ValueError:
        return DEFAULT_POLL_SECONDS


def _bounded(poll_after_seconds: float) -> float:
    """Return the pause within its bounds; NaN becomes the minimum."""
    if not poll_after_seconds > MIN_POLL_SECONDS:
        return MIN_POLL_SECONDS
    return min(poll_after_seconds, MAX_POLL_SECONDS)
