"""Two gateways that differ in one setting alone, how they serve connections, and the values of the corpus' words."""

from collections.abc import Iterable

import gevent

from tests.support.exchange import Exchange, Step, exchange
from tests.support.request_bytes import NAME, fill
from tests.support.site import Recipient, Site
from tests.support.waiting import eventually

_ENV = {
    **{
        f"NOTIFYGATE_LIMIT_{name}": "1000000/minute"  # so that the headers of limits are compared too
        for name in ("PUBLISH", "AUDIENCES", "POLL", "STATE", "FAILED_AUTH", "GUARD")
    },
    "NOTIFYGATE_HOLDS_PER_RECIPIENT": "1000",  # the corpus is one recipient's, with many holds at once
    "NOTIFYGATE_HEAD_CHECK_INTERVAL": "0.1",
    "NOTIFYGATE_LOG_LEVEL": "warning",  # with access lines, no remembered poll is answered
}

PLAIN, DETACHED = 0, 1
"""The positions of the gateways in the site: the one that waits in greenlets, and the one that doesn't."""

Words = dict[bytes, bytes]


class Pair:
    """Both gateways on one database, and the recipients of the corpus."""

    def __init__(self, database_url: str) -> None:
        self.site = Site(database_url, _ENV, gateways=2)

    def start(self) -> None:
        """Start the gateways and wait until both have the same log."""
        for at, gateway in enumerate(self.site.gateways):
            detached = {"NOTIFYGATE_DETACHED": str(at == DETACHED)}
            gateway.start({**self.site.env, **detached}, is_migrated=at > 0)
        self.publisher = self.site.publisher()  # first of all: a key is an entry of the log
        alice, other = self.site.recipient("alice"), self.site.recipient("other")
        for recipient in (alice, other):
            recipient.cursor()
        self.publisher.publish([f"user:{alice.name}", f"user:{other.name}"], "Before")
        for url in self.site.urls:
            for recipient in (alice, other):
                newest = recipient.cursor()
                there = Recipient(recipient.name, recipient.token, url)
                eventually(lambda r=there, c=newest: r.inbox(c)["cursor"] == c, "the head of the log is in the tail")
        self._words = {
            b"<token>": alice.token.encode(),
            b"<other-token>": other.token.encode(),
            b"<key>": self.publisher.key.encode(),
            b"<cursor>": alice.cursor().encode(),
            b"<etag>": alice.cursor().encode(),
        }

    def both(self, steps: Iterable[Step]) -> tuple[Exchange, Exchange]:
        """Run the same steps with both at the same time; `<name>` is a new recipient for each."""
        names = [self.new_name() for _ in self.site.urls]
        sent = [self.filled(steps, {b"<name>": name.encode()}) for name in names]
        exchanges = [gevent.spawn(exchange, url, one) for url, one in zip(self.site.urls, sent, strict=True)]
        gevent.joinall(exchanges, raise_error=True)
        one, other = (without(name, one.get()) for name, one in zip(names, exchanges, strict=True))
        return one, other

    def filled(self, steps: Iterable[Step], own: Words | None = None) -> list[Step]:
        """Replace the corpus' words by their values."""
        words = {**self._words, **(own or {})}
        return [fill(step, words) if isinstance(step, bytes) else step for step in steps]

    def new_name(self) -> str:
        """Return the name of a new recipient."""
        return self.site.new_name().rjust(len(NAME), "r")

    def new_recipient(self, at: int) -> tuple[Recipient, Words]:
        """Return a recipient of one of the gateways, and the words with their values for it."""
        recipient = self.site.recipient(self.new_name(), at=at)
        cursor = recipient.cursor().encode()
        return recipient, {b"<token>": recipient.token.encode(), b"<cursor>": cursor, b"<etag>": cursor}


def without(name: str, answered: Exchange) -> Exchange:
    """Return an exchange in which a recipient has the same name as in every other one."""
    return Exchange(
        answered.sent, answered.received.replace(name.encode(), NAME.encode()), answered.stayed_open, answered.at
    )
