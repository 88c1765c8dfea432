"""A view: what one recipient, with the roles of their token, is shown of the log, and their counts at a position."""

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
"""Shared by the many views that follow none."""


class CountsAt(NamedTuple):
    """The counts of a view at one position of the log."""

    epoch: int
    seq: int
    unread: int
    unseen: int


def has_view_entry(entries: Iterable[Entry]) -> bool:
    """Tell whether what a view shows is altered as a whole by one of these entries."""
    # A loop: `any` makes a generator, which takes three times as long, on every poll.
    for entry in entries:  # noqa: SIM110
        if entry.is_view:
            return True
    return False


class View:
    """What a recipient is shown. Everything but the counts changes only by an entry of kind VIEW, which ends it."""

    __slots__ = (
        "__weakref__",
        "_judged",
        "_judged_audience",
        "_topic_since",
        "audiences",
        "dismissed_up_to",
        "epoch",
        "hidden_types",
        "read_marks",
        "recipient",
        "seen_marks",
        "seq",
        "started_seq",
        "tag",
        "token",
        "token_seq",
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
        # A topic that the roles don't allow stays among the audiences, since a change of the topic must be noticed,
        # but nothing that was published to it counts.
        self._topic_since = {
            topic_audience(name): MAX_SEQUENCE if name in forbidden_topics else since
            for name, since in followed_since.items()
        } or NO_TOPICS
        self.audiences: tuple[str, ...] = (principal.audience, *self._topic_since, *map(role, principal.roles), ALL)
        """The most specific first: the first that matches is the one that the recipient is told."""
        self.hidden_types = hidden_types
        self.seen_marks = seen_marks
        self.read_marks = read_marks
        self.dismissed_up_to = dismissed_up_to
        # A notification that comes is looked at several times in a row: for the waking, the counts and the answer.
        self._judged: Notification | None = None
        self._judged_audience: str | None = None
        self.epoch = self.seq = self.unread = self.unseen = 0
        self.token = ""
        """The token that was made for this view last, and its position: most requests bring or want just that one."""
        self.token_seq = -1

    @property
    def at(self) -> CountsAt:
        """The counts and their position. They move on together; whoever is about to wait takes this first."""
        return CountsAt(self.epoch, self.seq, self.unread, self.unseen)

    def move_to(self, epoch: int, seq: int, unread: int, unseen: int) -> None:
        """Say what the counts are at another position."""
        self.epoch, self.seq, self.unread, self.unseen = epoch, seq, unread, unseen

    def since(self, audience: str) -> int:
        """Return the position after which what is published to one of the view's audiences belongs to the inbox."""
        return max(self.started_seq, self.dismissed_up_to, self._topic_since.get(audience, 0))

    def shown_as(self, notification: Notification) -> str | None:
        """Return the audience as a member of which the recipient is shown a notification, None if they are not."""
        seq = notification.seq
        if seq <= self.started_seq or seq <= self.dismissed_up_to or notification.type in self.hidden_types:
            return None
        topic_since, audiences = self._topic_since, notification.audiences
        for audience in self.audiences:
            if audience in audiences and not (topic_since and seq <= topic_since.get(audience, 0)):
                return audience
        return None

    def shows(self, entry: Entry) -> str | None:
        """Return `shown_as` of an entry's notification, remembered: each is asked for several times in a row.

        Only for entries that a poll looks at. What was remembered stays in memory; of a notification that a snapshot
        has read for this view alone, that would be a copy for each recipient.
        """
        notification = entry.notification
        if notification is None:
            return None
        if notification is not self._judged:
            self._judged, self._judged_audience = notification, self.shown_as(notification)
        return self._judged_audience

    def affects(self, entry: Entry) -> bool:
        """Return whether an entry changes what the recipient is shown, or ends this view.

        True for a removal whose final state is not known for this recipient (`Entry.last_states`): a superfluous
        wake-up is harmless, a missing one is not.
        """
        if self.shows(entry) is None:
            return entry.is_view
        if entry.is_removal:
            last = entry.last_states.get(self.recipient)
            return last is None or last.dismissed_at is None
        return True

    def needs_last_state(self, entry: Entry) -> bool:
        """Tell whether an entry can't be counted before its final state was looked up for this recipient."""
        return entry.is_removal and self.recipient not in entry.last_states and self.shows(entry) is not None

    def deltas(self, entry: Entry) -> tuple[int, int]:
        """Return by how much an entry moves `unread` and `unseen`."""
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
        """Return what the recipient did with a notification: their row says it all, else their marks do."""
        if row is not None:
            return row
        return ItemState(seen_at=marked_at(self.seen_marks, seq), read_at=marked_at(self.read_marks, seq))
