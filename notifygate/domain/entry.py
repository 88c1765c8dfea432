"""Entries of the log: one change, one sequence number."""

from dataclasses import dataclass, field
from enum import StrEnum

from notifygate.domain.notification import Notification


class EntryKind(StrEnum):
    """The kind of a change."""

    PUBLISHED = "published"
    RETRACTED = "retracted"
    EXPIRED = "expired"
    STATE = "state"
    """One recipient has seen, read or unread one notification."""
    DISMISSED = "dismissed"
    """One recipient has dismissed one notification."""
    VIEW = "view"
    """The view of its audience changed as a whole: a poll across it gets a reset."""
    CONFIG = "config"
    """Data that every worker caches (keys, types, topics) changed; never shown to a recipient."""


# Access to an enum's members is slow.
_PUBLISHED, _RETRACTED, _EXPIRED, _VIEW = EntryKind.PUBLISHED, EntryKind.RETRACTED, EntryKind.EXPIRED, EntryKind.VIEW


@dataclass(slots=True, frozen=True)
class ItemState:
    """The state of one notification for one recipient. All times in Unix milliseconds, None for "not"."""

    seen_at: int | None = None
    read_at: int | None = None
    dismissed_at: int | None = None


@dataclass(slots=True, eq=False)
class Entry:
    """One change in the log."""

    seq: int
    kind: EntryKind
    audiences: tuple[str, ...]
    notification: Notification | None = None
    """The notification of the change; None for VIEW and CONFIG."""
    seen_at: int | None = None
    """For STATE: the recipient's state after the change."""
    read_at: int | None = None
    unread_delta: int = 0
    """For STATE and DISMISSED: the change of the recipient's counts (-1, 0 or 1)."""
    unseen_delta: int = 0
    last_states: dict[str, ItemState | None] = field(init=False)
    """For RETRACTED and EXPIRED: the final state rows that were read, by recipient; None for a recipient without a row.
    The state of a notification can't change once it has left the inboxes. The tail bounds their number
    (`log.tail.MAX_LAST_STATES`)."""
    # Read ten thousand times for one entry, so not properties.
    is_published: bool = field(init=False)
    is_removal: bool = field(init=False)
    """Whether the notification left every inbox by this entry."""
    is_view: bool = field(init=False)

    def __post_init__(self) -> None:
        self.last_states = {}
        kind = self.kind
        self.is_published = kind is _PUBLISHED
        self.is_removal = kind is _RETRACTED or kind is _EXPIRED
        self.is_view = kind is _VIEW
