"""A page of an inbox, newest first: of a snapshot, and of the history."""

from sqlalchemy import Connection

from notifygate.domain.cursor import MAX_SEQUENCE
from notifygate.inbox.view import View
from notifygate.storage.stores.contents import read_newest
from notifygate.storage.stores.notifications import read_notifications
from notifygate.storage.stores.states import read_states


def read_page(connection: Connection, view: View, limit: int, before: int = MAX_SEQUENCE) -> list[bytes]:
    """Read the newest notifications of a view (before a position) as JSON, newest first."""
    positions = read_newest(connection, view, limit, before)
    states = read_states(connection, view.recipient, positions)
    items: list[bytes] = []
    for notification in read_notifications(connection, positions):
        state = view.state_of(notification.seq, states.get(notification.seq))
        audience = view.shown_as(notification)
        if audience is not None:
            items.append(notification.json_for(audience, state.seen_at, state.read_at))
    return items
