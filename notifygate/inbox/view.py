"""A view: one recipient's projection of the log, by the roles of the token, with the counts at a position."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from notifygate.domain.audience import ALL, role
from notifygate.domain.audience import topic as topic_audience
from notifygate.domain.cursor import MAX_SEQUENCE
from notifygate.domain.entry import Entry, ItemState
from notifygate.domain.marks import Marks, marked_at
from notifygate.domain.notification import Notification
from notifygate.domain.principal import Recipient

NO_TOPICS: Mapping[str, int] = {}
"""Shared by the many views without followed topics."""


class CountsAt(NamedTuple):
    """The counts of a view at one position of the log."""

    epoch: int
    seq: int
    unread: int
    unseen: int


class PageEnd(NamedTuple):
    """The end of a page of the backlog (`inbox.backlog`), with more behind it but no entry that ends the view."""

    at: CountsAt
    valid_up_to: int
    """Position up to which the log may grow without more behind the page than a poll may read."""


def has_view_entry(entries: Iterable[Entry]) -> bool:
    """Return whether one of the entries changes views as a whole."""
    # A loop: `any` makes a generator, which takes three times as long, on every poll.
    for entry in entries:  # noqa: SIM110
        if entry.is_view:
            return True
    return False


class View:
    """One recipient's projection of the log. Only the counts change; an entry of kind VIEW ends the view."""

    __slots__ = (
        "__weakref__",
        "_last_shown",
        "_last_shown_as",
        "_topic_since",
        "audiences",
        "cursor",
        "cursor_seq",
        "dismissed_up_to",
        "epoch",
        "hidden_types",
        "page_end",
        "read_marks",
        "recipient",
        "seen_marks",
        "seq",
        "started_seq",
        "tag",
        "unread",
        "unseen",
    )

    def __init__(
        self,
        principal: Recipient,
        *,
        tag: bytes,
        started_seq: int,
        followed_since: Mapping[str, int],
        forbidden_topics: frozenset[str],
        hidden_types: frozenset[str],
        seen_marks: Marks,
        read_marks: Marks,
        dismissed_up_to: int,
    ) -> None:
        self.recipient = principal.id
        self.tag = tag
        """Binds cursors to this recipient and these roles."""
        self.started_seq = started_seq
        # A topic that the roles don't permit stays among the audiences, since entries that change the topic concern the
        # view, but all notifications to it are invisible.
        self._topic_since = {
            topic_audience(name): MAX_SEQUENCE if name in forbidden_topics else since
            for name, since in followed_since.items()
        } or NO_TOPICS
        self.audiences: tuple[str, ...] = (principal.audience, *self._topic_since, *map(role, principal.roles), ALL)
        """The most specific first: a notification has the first that matches as its `audience`."""
        self.hidden_types = hidden_types
        self.seen_marks = seen_marks
        self.read_marks = read_marks
        self.dismissed_up_to = dismissed_up_to
        # A new notification is checked several times in a row: for the wake-up, the counts and the response.
        self._last_shown: Notification | None = None
        self._last_shown_as: str | None = None
        self.epoch = self.seq = self.unread = self.unseen = 0
        self.cursor = ""
        """The newest cursor of this view, whose position is `cursor_seq`: most requests have or need just that one."""
        self.cursor_seq = -1
        self.page_end: PageEnd | None = None
        """Of the last page that was read from the database."""

    @property
    def at(self) -> CountsAt:
        """The counts and their position, which advance together. Code that may block takes this value first."""
        return CountsAt(self.epoch, self.seq, self.unread, self.unseen)

    def move_to(self, epoch: int, seq: int, unread: int, unseen: int) -> None:
        """Set the counts for a new position."""
        self.epoch, self.seq, self.unread, self.unseen = epoch, seq, unread, unseen

    def since(self, audience: str) -> int:
        """Return the position after which notifications to one of the view's audiences belong to the inbox."""
        return max(self.started_seq, self.dismissed_up_to, self._topic_since.get(audience, 0))

    def shown_as(self, notification: Notification) -> str | None:
        """Return the `audience` of a notification for this recipient, None if it is invisible."""
        seq = notification.seq
        if seq <= self.started_seq or seq <= self.dismissed_up_to or notification.type in self.hidden_types:
            return None
        topic_since, audiences = self._topic_since, notification.audiences
        for audience in self.audiences:
            if audience in audiences and not (topic_since and seq <= topic_since.get(audience, 0)):
                return audience
        return None

    def shows(self, entry: Entry) -> str | None:
        """Return `shown_as` of an entry's notification, cached, since it is called several times in a row.

        Only for entries of the tail. The cache keeps the notification in memory; of one that a snapshot has read for
        this view alone, that would be a copy for each recipient.
        """
        notification = entry.notification
        if notification is None:
            return None
        if notification is not self._last_shown:
            self._last_shown, self._last_shown_as = notification, self.shown_as(notification)
        return self._last_shown_as

    def affects(self, entry: Entry) -> bool:
        """Return whether an entry changes the recipient's inbox, or ends this view.

        True for a removal whose final state for this recipient is unknown (`Entry.last_states`): a superfluous wake-up
        is harmless, a missing one is not.
        """
        if self.shows(entry) is None:
            return entry.is_view
        if entry.is_removal:
            last = entry.last_states.get(self.recipient)
            return last is None or last.dismissed_at is None
        return True

    def needs_last_state(self, entry: Entry) -> bool:
        """Return whether the final state for this recipient must be read before an entry can be counted."""
        return entry.is_removal and self.recipient not in entry.last_states and self.shows(entry) is not None

    def deltas(self, entry: Entry) -> tuple[int, int]:
        """Return the changes of `unread` and `unseen` by an entry."""
        notification = entry.notification
        if entry.is_view or notification is None or self.shows(entry) is None:
            return 0, 0
        if entry.is_published:
            return 1, 1
        if not entry.is_removal:
            return entry.unread_delta, entry.unseen_delta
        state = self.state_of(notification.seq, entry.last_states.get(self.recipient))
        if state.dismissed_at is not None:
            return 0, 0
        return -(state.read_at is None), -(state.seen_at is None)

    def state_of(self, seq: int, row: ItemState | None) -> ItemState:
        """Return the recipient's state of a notification: the row wins; without one, the marks apply."""
        if row is not None:
            return row
        return ItemState(seen_at=marked_at(self.seen_marks, seq), read_at=marked_at(self.read_marks, seq))
