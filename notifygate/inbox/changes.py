"""Changes folded into one page: each notification once, in its present state, oldest change first."""

from collections.abc import Iterable

from notifygate.domain.entry import Entry, EntryKind
from notifygate.inbox.view import CountsAt, View

_DISMISSED = EntryKind.DISMISSED  # access to an enum's members is slow


class Changes:
    """The changes of a view after a position, as far as they fit into a page, and what lies behind the page."""

    __slots__ = ("by_notification", "unread_behind", "unseen_behind", "until")

    def __init__(self) -> None:
        self.by_notification: dict[int, tuple[Entry, str]] = {}
        """The page: by position of a notification, the last visible entry of it, which has its present state, and the
        audience with which it is shown."""
        self.until: int | None = None
        """Position at which the page ends, None if no visible entry lies behind it."""
        self.unread_behind = 0
        """Sums of the changes of the counts behind the page."""
        self.unseen_behind = 0

    def add(self, view: View, entries: Iterable[Entry], limit: int) -> None:
        """Add the next entries, in order; a page has up to `limit` notifications and removals."""
        page = self.by_notification
        for entry in entries:
            notification, audience = entry.notification, view.shows(entry)
            if notification is None or audience is None or not view.affects(entry):
                continue
            if notification.seq in page or (self.until is None and len(page) < limit):
                page[notification.seq] = entry, audience
            elif self.until is None:
                self.until = entry.seq - 1
            if self.until is not None:
                unread_delta, unseen_delta = view.deltas(entry)
                self.unread_behind += unread_delta
                self.unseen_behind += unseen_delta

    def counts_at_end(self, at: CountsAt) -> CountsAt:
        """Return the counts at `until`, of those at the position up to which entries were added."""
        until = at.seq if self.until is None else self.until
        return CountsAt(at.epoch, until, at.unread - self.unread_behind, at.unseen - self.unseen_behind)

    def render(self) -> tuple[list[bytes], list[str]]:
        """Return the page's notifications as JSON, and the ids of those that left the inbox."""
        notifications: list[bytes] = []
        removed: list[str] = []
        for entry, audience in self.by_notification.values():
            notification = entry.notification
            if notification is None:
                continue  # can't be: only visible entries are added
            if entry.is_removal or entry.kind is _DISMISSED:
                removed.append(notification.id)
            else:
                notifications.append(notification.json_for(audience, entry.seen_at, entry.read_at))
        return notifications, removed


NO_CHANGES = Changes()
"""Shared by the many polls without any; nothing is added to it."""
