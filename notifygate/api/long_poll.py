"""Holding a request while there is nothing to say."""

import random
import re
import socket
import time
from collections.abc import Callable

from flask import g, request

from notifygate import metrics
from notifygate.api.gateway import gateway
from notifygate.api.validated import parse_whole_number
from notifygate.domain.principal import Recipient
from notifygate.errors import InvalidRequestError
from notifygate.holds.in_place import InPlaceWait
from notifygate.inbox.answer import Found, Nothing

JITTER = 0.05
"""Share by which a wait is shortened at most, so that clients that came together don't return together. The protocol
allows twice as much: the server's deadlines come up to a twentieth of a second early."""

_PREFERRED_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([^\s,;\"]*)", re.IGNORECASE)


class ClientGoneError(Exception):
    """The client has closed its connection; there is nobody to answer."""


def asked_wait(parameter: int | None, prefer: str | None) -> int | None:
    """Return the seconds that a request asks to be held: the parameter, else `Prefer: wait=N`; None for neither."""
    if parameter is not None or prefer is None:
        return parameter
    found = _PREFERRED_WAIT.search(prefer)
    if found is None:
        return None
    try:
        return parse_whole_number(found.group(1))
    except ValueError as error:
        raise InvalidRequestError.of("Prefer", f"wait {error}") from error


def hold_seconds(granted: int, principal: Recipient) -> float:
    """Return how long a poll is held: a little shorter than granted, and not beyond the token's life."""
    jittered = granted * random.uniform(1 - JITTER, 1)  # noqa: S311 - spreads load, guards nothing
    return min(jittered, principal.expires_at / 1000 - time.time())


def long_poll(poll: Callable[[], Found | Nothing], principal: Recipient, asked: int | None) -> Found | Nothing:
    """Look at once if no wait is asked for or possible, else hold until the look finds something or time is over.

    The hold is registered before each look and waits after it; nothing committed in between can be missed. Raises
    UnauthorizedError if the token is revoked meanwhile, which ends the hold.
    """

    def look() -> Found | Nothing:
        outcome = poll()
        gateway().revocations.check(principal)
        return outcome

    granted = min(asked or 0, gateway().advice.longest_wait())
    g.granted_wait = None if asked is None else granted
    if granted == 0:
        return look()
    began = time.monotonic()
    deadline = began + hold_seconds(granted, principal)
    client: socket.socket | None = request.environ.get("gunicorn.socket")
    while True:
        with InPlaceWait(gateway().room, gateway().views.current(principal)) as hold:
            outcome = look()
            if isinstance(outcome, Found) or time.monotonic() >= deadline:
                return outcome
            reason = hold.wait(deadline - time.monotonic(), client)
            g.held_seconds = time.monotonic() - began
            if reason == "gone":
                raise ClientGoneError
            outcome = look()
            if isinstance(outcome, Found):
                if hold.committed_at is not None:
                    metrics.wake_seconds.observe(max(0.0, time.time() - hold.committed_at))
                return outcome
            if reason != "news":
                return outcome
