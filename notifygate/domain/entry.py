"""Entries of the log: one change, one sequence number."""

from dataclasses import dataclass, field
from enum import StrEnum

from notifygate.domain.notification import Notification


class EntryKind(StrEnum):
    """What has changed."""

    PUBLISHED = "published"
    RETRACTED = "retracted"
    EXPIRED = "expired"
    STATE = "state"
    """One recipient has seen, read or unread one notification."""
    DISMISSED = "dismissed"
    """One recipient has dismissed one notification."""
    VIEW = "view"
    """What its audience can see has changed as a whole: whoever polls across it gets a reset."""
    CONFIG = "config"
    """Something that every worker keeps in memory (keys, types, topics) has changed; never shown to a recipient."""


# An enum's members are slow to get at.
_PUBLISHED, _RETRACTED, _EXPIRED, _VIEW = EntryKind.PUBLISHED, EntryKind.RETRACTED, EntryKind.EXPIRED, EntryKind.VIEW


@dataclass(slots=True, frozen=True)
class ItemState:
    """What one recipient has done with one notification. All times in Unix milliseconds, None for "not"."""

    seen_at: int | None = None
    read_at: int | None = None
    dismissed_at: int | None = None


UNTOUCHED = ItemState()


@dataclass(slots=True, eq=False)
class Entry:
    """One change in the log."""

    seq: int
    kind: EntryKind
    audiences: tuple[str, ...]
    notification: Notification | None = None
    """What it is about; None for VIEW and CONFIG."""
    seen_at: int | None = None
    """For STATE: the recipient's state after the change."""
    read_at: int | None = None
    unread_delta: int = 0
    """For STATE and DISMISSED: by how much the change moved the recipient's counts (-1, 0 or 1)."""
    unseen_delta: int = 0
    last_states: dict[str, ItemState | None] = field(init=False)
    """For RETRACTED and EXPIRED: the final state rows of those recipients who were looked up, by recipient; None
    for one who has no row. The state of a notification can't change once it has left the inboxes."""
    # Asked ten thousand times of one entry.
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
