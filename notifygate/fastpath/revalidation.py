"""Revalidation of the 304 of a repeated poll: most of the requests of a polling gateway."""

import sys
import weakref
from typing import TYPE_CHECKING

from notifygate.domain.principal import Recipient
from notifygate.inbox.answer import Unchanged
from notifygate.protocol.exchange import Exchange

if TYPE_CHECKING:
    from notifygate.fastpath.fast_path import FastPath

_HELD_BYTES = 600
"""Size of a `PollRevalidation` with its cursor, numbers and encoded response, without the name."""


def can_be_revalidated(exchange: Exchange) -> bool:
    """Return whether a request is of the kind that `PollRevalidation` answers."""
    return (
        exchange.route == "/v1/inbox"
        and exchange.keep_alive
        and exchange.is_http_11
        and exchange.granted_wait is None
        and exchange.origin is None
    )


class PollRevalidation:
    """The preconditions of a 304. Only for requests that `can_be_revalidated`."""

    __slots__ = (
        "_end", "_epoch", "_expires_at", "_generation", "_matched", "_name", "_path", "_revocations", "_seen", "_since",
        "_view",
    )  # fmt: skip

    def __init__(self, path: "FastPath", recipient: Recipient, unchanged: Unchanged) -> None:
        view, at, matched, since = unchanged
        self._path = path
        self._view = weakref.ref(view)
        """Weak: a view may be large, and `inbox.views` alone bounds their number."""
        self._matched = matched or ""
        self._epoch = at.epoch
        self._since = since
        self._seen = at.seq
        self._expires_at = recipient.expires_at / 1000
        self._name = recipient.audience
        self._revocations = path.revocations.generation
        self._generation = 0
        self._end = b""

    @property
    def held_bytes(self) -> int:
        """See `server.handler.Revalidation`."""
        return _HELD_BYTES + sys.getsizeof(self._name)

    def response_at(self, now: float) -> bytes | None:
        """See `server.handler.Revalidation`."""
        path = self._path
        if self._expires_at <= now or not path.may_revalidate or self._revocations != path.revocations.generation:
            return None
        tail = path.tail
        if self._seen != tail.end or self._epoch != tail.epoch:
            view = self._view()
            if view is None or self._epoch != tail.epoch or tail.is_ageing(self._since):
                return None
            entries = tail.after(view.audiences, self._seen)
            if entries is None or any(view.affects(entry) for entry in entries):
                return None
            self._seen = tail.end
        guard = path.guard
        if guard is not None and guard.add(self._name, now) > guard.limit:
            return None
        if self._generation != path.generation:
            self._generation = path.generation
            self._end = path.not_modified_end(self._matched)
        path.record.revalidated += 1
        return path.not_modified_start + self._end
