"""Builders for tests of the log and the inbox: notifications, databases, writers, and waiting with a deadline."""

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import gevent

from notifygate.announcements.announcement import Announcement
from notifygate.domain.ids import new_id
from notifygate.domain.notification import NewNotification, encode_document
from notifygate.domain.times import now_ms
from notifygate.log.append import append_published
from notifygate.log.writer import LogWriter
from notifygate.storage.database import Database, make_engine
from notifygate.storage.stores.append import Publication
from tests.support.waiting import PATIENCE_SECONDS


def make_notification(*to: str, **fields: Any) -> NewNotification:
    """Make a notification without a sequence number; `fields` are columns or members of its document."""
    columns: dict[str, Any] = {"seq": 0, "id": new_id(), "created_at": now_ms(), "expires_at": None, "key_id": "key"}
    columns |= {name: fields.pop(name) for name in list(fields) if name in columns}
    content: dict[str, Any] = {"type": "general", "title": "A title", "body": "", "priority": "normal"}
    content |= {"sender": "a test", "icon": None, "action_url": None, "data": "{}", **fields}
    document = encode_document(columns["id"], content, columns["created_at"], columns["expires_at"])
    return NewNotification(type=content["type"], to=to or ("all",), document=document, **columns)


def open_database(url: str, pool_size: int = 5) -> Database:
    """Open a database, which is migrated already. The caller disposes of its engine."""
    return Database(make_engine(url, pool_size))


def append(database: Database, *notifications: NewNotification) -> list[NewNotification]:
    """Append notifications in one commit and return them with their sequence numbers."""
    append_published(database, [Publication(notification) for notification in notifications])
    return list(notifications)


@contextmanager
def one_batch(writer: LogWriter, announced: Sequence[Announcement] = ()):
    """Collect the calls submitted inside in one batch: the writer starts only when the block ends.

    Yields a function that submits a call in a greenlet of its own and returns the greenlet.
    """
    greenlets: list[gevent.Greenlet] = []

    def submit(call: Callable[..., Any], *arguments: Any) -> gevent.Greenlet:
        greenlet = gevent.Greenlet(call, *arguments)
        greenlets.append(greenlet)
        greenlet.start()
        gevent.idle()  # its work is in the queue now
        return greenlet

    yield submit
    writer.start()
    gevent.joinall(greenlets, timeout=PATIENCE_SECONDS)
    assert all(greenlet.dead for greenlet in greenlets), "the writer did not answer every call"
