"""Reading a view, and what a view can't know by itself: the final states of notifications that have left."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from notifygate.domain.cursor import CursorCodec
from notifygate.domain.entry import Entry, ItemState
from notifygate.domain.principal import Recipient
from notifygate.inbox.view import View
from notifygate.storage.stores.catalog import read_catalog
from notifygate.storage.stores.inboxes import read_followed, read_inbox
from notifygate.storage.stores.states import read_states


def read_view(connection: Connection, principal: Recipient, codec: CursorCodec) -> View | None:
    """Read a recipient's view, without its counts; None before their first request (`ensure_inbox`).

    An inbox that only a publication has begun gives None too: retention may remove it (`publishing.retention`).
    The types and topics are read in the same transaction: with an older copy of them the view would be wrong until
    their next change.
    """
    inbox = read_inbox(connection, principal.id)
    if inbox is None or not inbox.is_polled:
        return None
    followed = read_followed(connection, principal.id)
    catalog = read_catalog(connection)
    muted = frozenset(name for name, preference in inbox.preferences.items() if preference.get("muted"))
    return View(
        principal,
        tag=codec.tag(principal.id, principal.roles),
        started_seq=inbox.started_seq,
        followed_since=followed,
        forbidden_topics=frozenset(name for name in followed if not catalog.may_follow(name, principal.roles)),
        hidden_types=catalog.hidden_types(principal.roles, muted),
        seen_marks=inbox.seen_marks,
        read_marks=inbox.read_marks,
        dismissed_up_to=inbox.dismissed_up_to,
    )


def read_last_states(
    connection: Connection, recipient: str, removals: Iterable[Entry]
) -> Mapping[Entry, ItemState | None]:
    """Read the final states of removed notifications for one recipient, by the entry of the removal (`last_states`).

    For entries above the floor: retention may have deleted the states of others.
    """
    by_seq = {entry.notification.seq: entry for entry in removals if entry.notification}
    states = read_states(connection, recipient, by_seq)
    return {entry: states.get(seq) for seq, entry in by_seq.items()}
