"""Workers that announce commits to each other, for the tests of announcers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from notifygate.announcements.announcement import Announcement, announce
from notifygate.announcements.announcer import make_announcer
from notifygate.domain.entry import Entry, EntryKind
from notifygate.settings import Settings
from tests.support.builders import make_notification
from tests.support.waiting import eventually

SECRET = "a secret of more than thirty-two bytes"


class Node:
    """A worker's announcer, and the announcements that it received."""

    def __init__(self, redis_url: str, namespace: str = "tests") -> None:
        """`redis_url`: empty for an announcer without a channel."""
        self.received: list[Announcement] = []
        self.connects = 0
        self.announcer: Any = make_announcer(
            Settings(redis_url=redis_url, secret_key=(SECRET,)),
            namespace,
            on_announcement=self.received.append,
            on_connected=self._connected,
        )

    def _connected(self) -> None:
        self.connects += 1

    def is_connected(self) -> bool:
        return self.announcer.is_connected

    def announce(self, seq: int, body: str = "", count: int = 1) -> Announcement:
        """Announce some entries that were committed just now."""
        notifications = [make_notification(seq=seq + n, body=body) for n in range(count)]
        made = announce(3, [Entry(n.seq, EntryKind.PUBLISHED, n.to, n) for n in notifications])
        self.announcer.announce(made)
        return made

    def firsts(self) -> list[int]:
        """Return the first positions of the announcements that were received."""
        return [announcement.first for announcement in self.received]


MakeNode = Callable[..., Node]


@contextmanager
def making_nodes() -> Iterator[MakeNode]:
    """Yield a function that makes nodes and starts them; all are stopped afterwards."""
    made: list[Node] = []

    def make(redis_url: str, namespace: str = "tests", *, connects: bool = True) -> Node:
        node = Node(redis_url, namespace)
        made.append(node)
        node.announcer.start()
        if connects:
            eventually(node.is_connected, "the connection")
        return node

    yield make
    for node in made:
        node.announcer.stop()
