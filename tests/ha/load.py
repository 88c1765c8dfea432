"""Load on gateways while a server behind them fails: one publisher and one device, with the times of their events."""

import json
import time
from itertools import pairwise
from typing import Any

import gevent
import requests

from tests.support.site import Publisher, Recipient
from tests.support.waiting import eventually

RETRY_SECONDS = 0.1
HOLD_SECONDS = 50
REQUEST_SECONDS = 90
"""The time after which a request is lost; longer than a hold, and than a gateway waits for a server that hangs."""


class Publishing:
    """Publishes numbered notifications one after the other, each repeatedly until it is acknowledged."""

    def __init__(self, publisher: Publisher, *, seconds_between: float = 0.02) -> None:
        self._publisher = publisher
        self._seconds_between = seconds_between
        self.acknowledged: dict[str, float] = {}
        """The time of each title's 201 (`time.monotonic()`)."""
        self.refused = 0
        """Attempts that were answered with 503, or not at all."""
        self._is_on = True
        self._greenlet = gevent.spawn(self._publish)

    def _publish(self) -> None:
        while self._is_on:
            title = f"number {len(self.acknowledged)}"
            while not self._is_published(title):
                self.refused += 1
                gevent.sleep(RETRY_SECONDS)
            self.acknowledged[title] = time.monotonic()
            gevent.sleep(self._seconds_between)

    def _is_published(self, title: str) -> bool:
        try:
            answer = self._publisher.post("all", title, idempotency_key=title)
        except requests.RequestException:
            return False
        assert answer.status_code in (201, 503), f"{answer.status_code} {answer.text}"
        return answer.status_code == 201

    def await_more(self, count: int, *, seconds: float = 120.0) -> None:
        """Return when so many more are acknowledged."""
        wanted = len(self.acknowledged) + count
        eventually(lambda: len(self.acknowledged) >= wanted or self._greenlet.ready(), "published", seconds=seconds)
        if self._greenlet.ready():
            self._greenlet.get()

    def stop(self) -> None:
        """Publish no more; return when the last one is acknowledged."""
        self._is_on = False
        self._greenlet.get(timeout=REQUEST_SECONDS)

    def longest_gap_seconds(self, since: float = 0.0) -> float:
        """Return the longest time between two acknowledgements that followed one another, of those since a time."""
        times = [at for at in self.acknowledged.values() if at >= since]
        return max(later - earlier for earlier, later in pairwise(times))


class Device:
    """Holds poll after poll, merges the answers by id, and records when each title arrived first.

    Its inbox begins when it is made.
    """

    def __init__(self, recipient: Recipient) -> None:
        self._recipient = recipient
        self.received: dict[str, float] = {}
        """The time of each title's arrival (`time.monotonic()`), in the order of arrival."""
        self.resets = 0
        self.repeated: list[str] = []
        """Titles that arrived again without a reset in between."""
        self.inbox: dict[str, str] = {}
        """Title by id, as merged by the client."""
        self._cursor = recipient.cursor()
        self._greenlet = gevent.spawn(self._poll)

    def await_all(self, publishing: Publishing, *, seconds: float = 120.0) -> None:
        """Return when the device has all acknowledged notifications."""

        def has_all() -> bool:
            return self._greenlet.ready() or publishing.acknowledged.keys() <= set(self.inbox.values())

        eventually(has_all, "all acknowledged notifications are received", seconds=seconds)
        self.check()

    def check(self) -> None:
        """Raise the exception that ended the device, if any."""
        if self._greenlet.ready():
            self._greenlet.get()

    def stop(self) -> None:
        """Poll no more."""
        self._greenlet.kill()

    def fresh_inbox(self) -> dict[str, str]:
        """Return title by id for a client that begins now."""
        newest = self._recipient.inbox(limit=1)["notifications"]
        return {item["id"]: item["title"] for item in [*newest, *self._older_than(newest[0]["id"])]}

    def _poll(self) -> None:
        while True:
            try:
                answer = self._recipient.session.get(
                    f"{self._recipient.url}/v1/inbox",
                    params={"cursor": self._cursor, "wait": HOLD_SECONDS},
                    timeout=REQUEST_SECONDS,
                )
                body = answer.json()
            except (requests.RequestException, json.JSONDecodeError):
                gevent.sleep(RETRY_SECONDS)
                continue
            if answer.status_code == 200:
                self._merge(body)
            else:
                assert answer.status_code == 503, f"{answer.status_code} {answer.text}"
                gevent.sleep(RETRY_SECONDS)

    def _merge(self, body: dict[str, Any]) -> None:
        now = time.monotonic()
        if body["reset"]:
            self.resets += 1
            self.inbox = {}
        items = body["notifications"]
        if body["reset"] and body["has_more"]:
            items = [*self._older_than(items[-1]["id"]), *items]
        for item in items:
            if item["id"] in self.inbox:
                self.repeated.append(item["title"])
            self.inbox[item["id"]] = item["title"]
            self.received.setdefault(item["title"], now)
        self._cursor = body["cursor"]

    def _older_than(self, last: str) -> list[dict[str, Any]]:
        """Return the notifications before one in the inbox."""
        older: list[dict[str, Any]] = []
        has_more = True
        while has_more:
            page = self._recipient.poll(path="/v1/inbox/history", before=last, limit=200).json()
            older, has_more = older + page["notifications"], page["has_more"]
            last = page["notifications"][-1]["id"] if has_more else last
        return older


def slowest_delivery_seconds(publishing: Publishing, device: Device) -> float:
    """Return the longest time from an acknowledgement to its arrival at a device."""
    return max(device.received[title] - at for title, at in publishing.acknowledged.items())
