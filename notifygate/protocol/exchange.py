"""One request and its response in the making: what the steps of the pipeline learn and pass on."""

import time
from typing import Any

from notifygate.domain.address import counted_address
from notifygate.domain.ids import new_request_id
from notifygate.domain.principal import Publisher, Recipient
from notifygate.limits.windows import LimitName
from notifygate.protocol.request import Request
from notifygate.protocol.response import SANE_REQUEST_ID


class Exchange:
    """A request, its principal, and what was counted for it.

    An exchange survives a change from the hub to a greenlet: what was authenticated and counted is not done twice.
    """

    __slots__ = (
        "_request_id", "began_at", "client", "counted", "granted_wait", "held_seconds", "is_http_11", "keep_alive",
        "method", "origin", "principal", "request", "route",
    )  # fmt: skip

    def __init__(self, request: Request, route: str, client: Any = None) -> None:
        self.client = client
        """The connection, as the transport that answers on it knows it."""
        self.request = request
        """Not to be used once the exchange is held."""
        self.route = route
        """The path with its variable parts in angle brackets; a label in logs and metrics."""
        self.method = request.method
        self.is_http_11 = request.is_http_11
        self.keep_alive = request.keep_alive
        """Whether the connection stays open after the response (RFC 9112 section 9.3)."""
        fields = request.fields
        self.origin = fields[b"origin"].decode("latin-1") if b"origin" in fields else None
        self.began_at = time.monotonic()
        self._request_id: str | None = None
        if b"x-request-id" in fields and SANE_REQUEST_ID.fullmatch(given := fields[b"x-request-id"].decode("latin-1")):
            self._request_id = given
        self.principal: Recipient | Publisher | None = None
        self.counted: tuple[LimitName, ...] = ()
        """The limits that the request was counted against, in order."""
        self.granted_wait: int | None = None
        """Seconds that were granted to a request that asked for a wait, None where it did not ask."""
        self.held_seconds = 0.0

    @property
    def request_id(self) -> str:
        """The caller's id of the request, else a new one. Made when it is first needed: held requests have none."""
        if self._request_id is None:
            self._request_id = new_request_id()
        return self._request_id

    def limit_key(self, name: LimitName) -> str:
        """Return what a limit counts the request for: the principal, or the address that failed to authenticate."""
        if self.principal is None:
            return counted_address(self.request.address)
        return self.principal.label

    @property
    def recipient(self) -> Recipient:
        """The recipient, at an endpoint for recipients."""
        assert isinstance(self.principal, Recipient)  # the pipeline admits no other  # noqa: S101
        return self.principal

    @property
    def publisher(self) -> Publisher:
        """The publisher, at an endpoint for publishers or administrators."""
        assert isinstance(self.principal, Publisher)  # the pipeline admits no other  # noqa: S101
        return self.principal
