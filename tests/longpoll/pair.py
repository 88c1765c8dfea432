"""Two gateways that differ in one setting alone: how they serve connections. And what the corpus' words stand for."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import gevent
import jwt

from tests.longpoll.corpus import ALLOWED_ORIGIN
from tests.longpoll.exchange import Exchange, Step, exchange
from tests.longpoll.site import JWT_SECRET, Recipient, Site, eventually

_LIMITS = {
    f"NOTIFYGATE_LIMIT_{name}": "1000000/minute"
    for name in ("PUBLISH", "AUDIENCES", "POLL", "STATE", "FAILED_AUTH", "GUARD")
}
"""Limits that nobody meets, so that their headers are compared too."""

_ENV = {
    **_LIMITS,
    "NOTIFYGATE_HOLDS_PER_RECIPIENT": "1000",  # the corpus is one recipient's, and much of it is held at once
    "NOTIFYGATE_HEAD_CHECK_INTERVAL": "0.1",
}

_NO_LINES = {"NOTIFYGATE_LOG_LEVEL": "warning"}
"""Where each answer gets its line in the log, none is given from what was answered before, or together with others."""

_CORS = {"NOTIFYGATE_CORS_ORIGINS": f"{ALLOWED_ORIGIN},https://other.example:8443"}

PLAIN, DETACHED = 0, 1
"""Where the gateways of the pair without CORS stand in the site."""

_WORD = re.compile(rb"<[a-z-]+>")


@dataclass(frozen=True)
class Pair:
    """The URLs of a gateway that waits in greenlets and of one that doesn't."""

    plain: str
    detached: str

    def both(self, steps: Iterable[Step], words: dict[bytes, bytes]) -> tuple[Exchange, Exchange]:
        """Go through the same steps with both at the same time."""
        filled = fill(steps, words)
        exchanges = [gevent.spawn(exchange, url, filled) for url in (self.plain, self.detached)]
        gevent.joinall(exchanges, raise_error=True)
        return exchanges[0].get(), exchanges[1].get()


class PairedSite:
    """Two pairs on one database, without and with CORS, and the recipients whom the corpus speaks of."""

    def __init__(self, database_url: str) -> None:
        self.site = Site(database_url, _ENV, gateways=4)

    def start(self) -> None:
        """Start the gateways and let both of each pair see the same log."""
        first, *others = self.site.gateways
        first.start({**self.site.env, **_NO_LINES, "NOTIFYGATE_DETACHED": "false"})
        gevent.joinall(
            [
                gevent.spawn(gateway.start, {**self.site.env, **env}, is_migrated=True)
                for gateway, env in zip(
                    others,
                    (
                        {"NOTIFYGATE_DETACHED": "true", **_NO_LINES},
                        {"NOTIFYGATE_DETACHED": "false", **_CORS},
                        {"NOTIFYGATE_DETACHED": "true", **_CORS},
                    ),
                    strict=True,
                )
            ],
            raise_error=True,
        )
        urls = self.site.urls
        self.pair, self.cors_pair = Pair(urls[PLAIN], urls[DETACHED]), Pair(urls[2], urls[3])
        self.words = self._prepare()

    def _prepare(self) -> dict[bytes, bytes]:
        site = self.site
        alice, other, with_roles = (
            site.recipient("alice"),
            site.recipient("other"),
            site.recipient("alice", roles=["reader"]),
        )
        # First of all: each key is an entry of the log.
        publisher, admin = site.publisher(), site.publisher(scope="admin")
        narrow = site.publisher(audiences="user:x*", types="general")
        for recipient in (alice, other, with_roles):
            recipient.cursor()
        publisher.publish([f"user:{alice.name}", f"user:{other.name}"], "Before", body="Größe: 5 µm", data={"n": 1})
        old = alice.cursor()
        publisher.publish(f"user:{alice.name}", "First news", priority="high", icon="bell")
        publisher.publish(f"user:{alice.name}", "Second news", action_url="/there?a=b&c", sender="me")
        last = alice.cursor()
        for place in range(len(site.gateways)):
            for recipient in (alice, other, with_roles):
                self._await_view(Recipient(recipient.name, recipient.token, site.urls[place]))
        cursor, other_cursor = alice.cursor(), other.cursor()
        assert cursor == last, "nothing is published while the corpus is sent"
        texts = {
            "token": alice.token,
            "token-short": alice.token[:-1],
            "token-padded": alice.token[:-1] + _same_bits(alice.token[-1]),
            "other-token": other.token,
            "roles-token": with_roles.token,
            "expired-token": site.recipient("alice", seconds=-10).token,
            "early-token": _token(nbf=int(time.time()) + 3000),
            "foreign-token": _token(secret="another secret of more than 32 bytes, not the site's"),
            "unsigned-token": jwt.encode({"sub": "alice", "exp": int(time.time()) + 3600}, None, "none"),
            "endless-token": _token(exp=None),
            "nameless-token": _token(sub=None),
            "key": publisher.key,
            "admin-key": admin.key,
            "narrow-key": narrow.key,
            "old": old,
            "cursor": cursor,
            "cursor-encoded": "".join(f"%{ord(character):02x}" for character in cursor),
            "etag": cursor,
            "etag-swapped": cursor.swapcase(),
            "other-cursor": other_cursor,
        }
        return {f"<{word}>".encode(): text.encode() for word, text in texts.items()}

    def _await_view(self, recipient: Recipient) -> None:
        """Return when a gateway answers a recipient from the end of the log, and knows their token."""
        newest = recipient.cursor()
        eventually(lambda: recipient.inbox(newest)["cursor"] == newest, "the end of the log is known")


def fill(steps: Iterable[Step], words: dict[bytes, bytes]) -> list[Step]:
    """Replace the corpus' words by what they stand for."""
    return [_WORD.sub(lambda word: words[word[0]], step) if isinstance(step, bytes) else step for step in steps]


def answered_in_hub(site: Site, at: int) -> float:
    """Return how many answers a gateway has given without a greenlet; 0 where it doesn't count them."""
    return site.metric("notifygate_hub_answers_total", at)


def _token(*, secret: str = JWT_SECRET, **changes: Any) -> str:
    claims = {"sub": "alice", "exp": int(time.time()) + 3600, **changes}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, "HS256")


def _same_bits(character: str) -> str:
    """Return another last character of 32 bytes in base64url that means the same: its two lowest bits are unused."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) ^ 1]
